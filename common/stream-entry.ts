import { decodeAccount, encodeAccount } from './account.ts';
import type { Account } from './account.ts';
import { PermanentError } from './errors.ts';
import type { MergeLog } from './merge.ts';
import type { StreamKind } from './redis/keys.ts';
import { STATUSES } from './tracking-log.ts';
import type { TrackingLog } from './tracking-log.ts';

/**
 * The wire: one stream entry is one batch of one partition. Its fields are
 *
 * - `v`: version of this format,
 * - `n`: number of rows,
 * - `logs`, `summaries` or `dead_letters`: the rows as NDJSON, exactly as ClickHouse reads JSONEachRow, so that a sink passes the
 *   bytes on without parsing them,
 * - `h` (log stream only): one JSON array of arrays with what the merge needs of each log, in the order of
 *   `HEADER_FIELDS`, trailing absent ones left out; so the processor parses no lines,
 * - `a` (what collectors add): day, input and number of rows by interface, for the books (account.ts).
 */
export const ENTRY_VERSION = '1';

/** Bounds of one entry: large enough that Redis' cost per entry vanishes (measured from 50 logs on), small enough for a script. */
export const ENTRY_ROWS_MAX = 256;
export const ENTRY_BYTES_MAX = 1024 * 1024;

export const ROWS_FIELD: Readonly<Record<StreamKind, string>> = {
  log: 'logs',
  summary: 'summaries',
  dead_letter: 'dead_letters',
};

const HEADER_FIELDS = [
  'transaction_id',
  'step',
  'status',
  'event_time',
  'event_id',
  'interface_id',
  'branch',
  'attempt',
  'duration_ms',
  'node',
  'error_code',
  'error_message',
  'business_keys',
  'parent_transaction_id',
  'source_system',
  'target_system',
] as const satisfies readonly (keyof MergeLog)[];
type HeaderField = (typeof HEADER_FIELDS)[number];
/** So many of them, the first ones, are in every row. */
const REQUIRED = 5;

/** The header's row of one log, in the order of HEADER_FIELDS. Absent fields are null, so that positions hold; trailing ones are left out. */
export function headerOf(log: TrackingLog): unknown[] {
  // Field by field and not over HEADER_FIELDS, since it is done for every log (with its JSON: 1.2 instead of 1.6 µs).
  const row: unknown[] = [
    log.transaction_id,
    log.step,
    log.status,
    log.event_time,
    log.event_id,
    log.interface_id ?? null,
    log.branch,
    log.attempt,
    log.duration_ms ?? null,
    log.node ?? null,
    log.error_code ?? null,
    log.error_message ?? null,
    log.business_keys ?? null,
    log.parent_transaction_id ?? null,
    log.source_system ?? null,
    log.target_system ?? null,
  ];
  let end = row.length;
  while (row[end - 1] === null) end -= 1;
  row.length = end;
  return row;
}

/** One entry's content, ready to be sent. */
export interface EncodedEntry {
  rows: number;
  /** The field `h`; '' for streams that have none. */
  header: string;
  body: string;
  /** The field `a`, if the rows are counted. */
  account?: Account;
}

/** A row on its way into an entry. */
export interface EntryRow {
  line: string;
  header?: string;
  /** Under what it is counted. */
  counted?: CountedAs;
}

export interface CountedAs {
  day: string;
  input: string;
  interface_id: string;
}

/** Rows, and for logs their headers, as as few entries as the bounds allow, in order. An entry is of one day and input. */
export function encodeEntries(rows: readonly EntryRow[]): EncodedEntry[] {
  const entries: EncodedEntry[] = [];
  let start = 0;
  let bytes = 0;
  const close = (end: number) => {
    const part = rows.slice(start, end);
    const headers = part.flatMap((row) => (row.header === undefined ? [] : [row.header]));
    entries.push({
      rows: part.length,
      header: headers.length === 0 ? '' : `[${headers.join(',')}]`,
      body: `${part.map((row) => row.line).join('\n')}\n`,
      ...accountOf(part),
    });
    start = end;
    bytes = 0;
  };
  rows.forEach((row, index) => {
    // UTF-16 units are near enough: the bound protects memory, it is not a promise.
    const size = row.line.length + (row.header?.length ?? 0);
    const isFull = index - start >= ENTRY_ROWS_MAX || bytes + size > ENTRY_BYTES_MAX;
    if (index > start && (isFull || !isSameAccount(rows[start], row))) close(index);
    bytes += size;
  });
  if (rows.length > start) close(rows.length);
  return entries;
}

function isSameAccount(a: EntryRow | undefined, b: EntryRow): boolean {
  return a?.counted?.day === b.counted?.day && a?.counted?.input === b.counted?.input;
}

function accountOf(rows: readonly EntryRow[]): { account?: Account } {
  const first = rows[0]?.counted;
  if (first === undefined) return {};
  const counts = new Map<string, number>();
  for (const { counted } of rows) {
    const id = counted?.interface_id ?? '';
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return { account: { day: first.day, input: first.input, counts } };
}

/** The fields of an entry, names and values, as XADD takes them after the id. */
export function fieldsOf(
  kind: StreamKind,
  { rows, header, body, account }: EncodedEntry,
): (string | number)[] {
  return [
    'v',
    ENTRY_VERSION,
    'n',
    rows,
    ...(header === '' ? [] : ['h', header]),
    ...(account === undefined ? [] : ['a', encodeAccount(account)]),
    ROWS_FIELD[kind],
    body,
  ];
}

/** A stream entry as it is read: its id and its fields, bytes untouched. */
export interface StreamEntry {
  id: string;
  rows: number;
  header: Buffer | undefined;
  body: Buffer;
  /** How its rows are counted, if they are. */
  account?: Account;
  /** Names and values as they came, for a dead letter; shares its memory with header and body. */
  fields: readonly Buffer[];
  /** Why it is none of ours, in words; it has no rows then. */
  broken?: string;
}

const EMPTY: Buffer = Buffer.alloc(0);
const NEWLINE = 0x0a;

/** Takes a reply of XREAD or XRANGE apart: `[id, [field, value, …]]`. Never throws: anybody can add an entry, and the others must go on. */
export function decodeEntry(kind: StreamKind, raw: readonly [Buffer, readonly Buffer[]]): StreamEntry {
  const [id, fields] = raw;
  let version = '';
  let rows = 0;
  let header: Buffer | undefined;
  let body = EMPTY;
  let account: Account | undefined;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const field = String(fields[i]);
    if (field === 'v') version = String(fields[i + 1]);
    else if (field === 'n') rows = Number(String(fields[i + 1]));
    else if (field === 'h') header = fields[i + 1];
    else if (field === 'a') account = decodeAccount(String(fields[i + 1]));
    else if (field === ROWS_FIELD[kind]) body = fields[i + 1] ?? EMPTY;
  }
  const broken = brokenBecause();
  if (broken === undefined) {
    const entry = { id: String(id), rows, header, body, fields };
    return account === undefined ? entry : { ...entry, account };
  }
  return { id: String(id), rows: 0, header: undefined, body: EMPTY, fields, broken };

  function brokenBecause(): string | undefined {
    if (version !== ENTRY_VERSION) return `is not of format version ${ENTRY_VERSION}`;
    // Rows travel on as one text: a last line without its end would run into the next entry's first.
    if (body.at(-1) !== NEWLINE) return `has no whole lines in the field ${ROWS_FIELD[kind]}`;
    if (!(Number.isSafeInteger(rows) && rows > 0)) return 'does not say in the field n how many rows it has';
    return undefined;
  }
}

/** What an entry takes in memory: of one that is none of ours, all of its fields are kept. */
export function bytesHeld({ body, header, fields, broken }: StreamEntry): number {
  if (broken === undefined) return body.length + (header?.length ?? 0);
  return fields.reduce((sum, field) => sum + field.length, 0);
}

/** What the merge needs of each log of an entry. Throws a PermanentError, saying what the entry has or lacks, when the header is not one. */
export function decodeHeader(header: Buffer): MergeLog[] {
  let rows: unknown;
  try {
    rows = JSON.parse(header.toString());
  } catch (error) {
    throw new PermanentError('has a header that is not JSON', { cause: error });
  }
  if (!Array.isArray(rows)) throw new PermanentError('has a header that is not an array');
  return rows.map(logOf);
}

/** No schema, since it is done for every log; but nothing that could trip up the merge comes through. */
function logOf(row: unknown): MergeLog {
  if (!Array.isArray(row)) throw new PermanentError('has a row in its header that is not an array');
  const log: Record<string, unknown> = {};
  for (let i = 0; i < HEADER_FIELDS.length; i += 1) {
    const field = HEADER_FIELDS[i] as HeaderField;
    const value: unknown = row[i];
    if (value === null || value === undefined) {
      if (i < REQUIRED) throw new PermanentError(`has a row in its header without ${field}`);
      continue;
    }
    const check = CHECKS[i];
    if (check === undefined ? typeof value !== 'string' : !check(value)) {
      throw new PermanentError(`has a row in its header whose ${field} is not one`);
    }
    log[field] = value;
  }
  return log as unknown as MergeLog;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** What is more than just any text, by its place: a lookup by name would cost as much as all the checks. */
const CHECKS = HEADER_FIELDS.map((field) => {
  const checks: Partial<Record<HeaderField, (value: unknown) => boolean>> = {
    status: (value) => (STATUSES as readonly unknown[]).includes(value),
    event_time: (value) => typeof value === 'string' && TIME.test(value),
    attempt: Number.isSafeInteger,
    duration_ms: (value) => typeof value === 'number',
    business_keys: isTexts,
  };
  return checks[field];
});

function isTexts(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  for (const name in value) {
    if (typeof (value as Record<string, unknown>)[name] !== 'string') return false;
  }
  return true;
}
