import { decodeAccount, encodeAccount } from './account.ts';
import type { Account } from './account.ts';
import type { TransactionStatus } from './evaluate.ts';
import { LOG_COLUMNS } from './log-row.ts';
import type { StreamKind } from './redis/keys.ts';
import { SUMMARY_COLUMNS } from './summary-row.ts';

/**
 * The wire: one stream entry is one batch of one partition. Its fields are
 *
 * - `v`: version of this format,
 * - `n`: number of rows,
 * - `logs`, `summaries` or `dead_letters`: the rows, one JSON value a line, exactly as ClickHouse reads them, so that a sink passes the
 *   bytes on without parsing them; what they look like: log-row.ts, summary-row.ts, and dead letters as objects,
 * - `c` (where rows are arrays): how many columns whoever wrote them knows; a reader that knows fewer must not go on,
 * - `a` (what collectors add): day, input and number of rows by interface, for the books (account.ts),
 * - `was` (of summaries): a letter for each row, the status of the transaction in the revision before, so that whoever counts what becomes of
 *   transactions need not remember them.
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

/** Columns of the streams whose rows are arrays. */
const COLUMNS: Partial<Record<StreamKind, number>> = {
  log: LOG_COLUMNS.length,
  summary: SUMMARY_COLUMNS.length,
};

/** One entry's content, ready to be sent. */
export interface EncodedEntry<Body extends string | Buffer = string> {
  rows: number;
  body: Body;
  /** The field `a`, if the rows are counted. */
  account?: Account;
  /** The field `was`, if the rows are summaries. */
  was?: string;
}

/** A row on its way into an entry. */
export interface EntryRow<Line = string> {
  line: Line;
  /** Under what it is counted. */
  counted?: CountedAs;
  /** The status of a summary's transaction in the revision before; '' for its first. */
  was?: TransactionStatus | '';
}

export interface CountedAs {
  day: string;
  input: string;
  interface_id: string;
}

/** How lines become an entry's body. */
export interface Lines<Line, Body> {
  /** About so many bytes: the bound protects memory, it is not a promise. */
  sizeOf(line: Line): number;
  /** Each with its newline. */
  join(lines: readonly Line[]): Body;
}

const TEXTS: Lines<string, string> = {
  // UTF-16 units are near enough.
  sizeOf: (line) => line.length,
  join: (lines) => `${lines.join('\n')}\n`,
};

/** Rows as as few entries as the bounds allow, in order. An entry is of one day and input. */
export function encodeEntries(rows: readonly EntryRow[]): EncodedEntry[];
export function encodeEntries<Line, Body extends string | Buffer>(
  rows: readonly EntryRow<Line>[],
  lines: Lines<Line, Body>,
): EncodedEntry<Body>[];
export function encodeEntries(
  rows: readonly EntryRow<unknown>[],
  lines: Lines<unknown, string | Buffer> = TEXTS,
): EncodedEntry<string | Buffer>[] {
  const entries: EncodedEntry<string | Buffer>[] = [];
  let start = 0;
  let bytes = 0;
  const close = (end: number) => {
    const part = rows.slice(start, end);
    entries.push({
      rows: part.length,
      body: lines.join(part.map((row) => row.line)),
      ...accountOf(part),
      ...wasOf(part),
    });
    start = end;
    bytes = 0;
  };
  rows.forEach((row, index) => {
    const size = lines.sizeOf(row.line);
    const isFull = index - start >= ENTRY_ROWS_MAX || bytes + size > ENTRY_BYTES_MAX;
    if (index > start && (isFull || !isSameAccount(rows[start], row))) close(index);
    bytes += size;
  });
  if (rows.length > start) close(rows.length);
  return entries;
}

function isSameAccount(a: EntryRow<unknown> | undefined, b: EntryRow<unknown>): boolean {
  return a?.counted?.day === b.counted?.day && a?.counted?.input === b.counted?.input;
}

function accountOf(rows: readonly EntryRow<unknown>[]): { account?: Account } {
  const first = rows[0]?.counted;
  if (first === undefined) return {};
  const counts = new Map<string, number>();
  for (const { counted } of rows) {
    const id = counted?.interface_id ?? '';
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return { account: { day: first.day, input: first.input, counts } };
}

/** A letter for each status that a transaction may have had before; - for none. */
const LETTER_OF: Readonly<Record<TransactionStatus | '', string>> = {
  '': '-',
  in_progress: 'p',
  completed: 'c',
  failed: 'f',
  timed_out: 't',
};
const STATUS_OF = new Map(
  Object.entries(LETTER_OF).map(([status, letter]) => [letter, status as TransactionStatus | '']),
);

function wasOf(rows: readonly EntryRow<unknown>[]): { was?: string } {
  if (rows[0]?.was === undefined) return {};
  let was = '';
  for (const row of rows) was += LETTER_OF[row.was ?? ''];
  return { was };
}

/** The fields of an entry, names and values, as XADD takes them after the id. */
export function fieldsOf(
  kind: StreamKind,
  { rows, body, account, was }: EncodedEntry<string | Buffer>,
): (string | number | Buffer)[] {
  const columns = COLUMNS[kind];
  return [
    'v',
    ENTRY_VERSION,
    'n',
    rows,
    ...(columns === undefined ? [] : ['c', columns]),
    ...(account === undefined ? [] : ['a', encodeAccount(account)]),
    ...(was === undefined ? [] : ['was', was]),
    ROWS_FIELD[kind],
    // As bytes: the driver would have the socket encode a text of this size, which takes several times as long.
    typeof body === 'string' ? Buffer.from(body) : body,
  ];
}

/** A stream entry as it is read: its id and its fields, bytes untouched. */
export interface StreamEntry {
  id: string;
  rows: number;
  body: Buffer;
  /** How its rows are counted, if they are. */
  account?: Account;
  /** The field `was`; see statusBefore. */
  was?: string;
  /** Names and values as they came, for a dead letter; shares its memory with the body. */
  fields: readonly Buffer[];
  /** Why it is none of ours, in words; it has no rows then. */
  broken?: string;
  /** Its rows have columns that this release does not know. */
  newer?: true;
}

const EMPTY: Buffer = Buffer.alloc(0);
const NEWLINE = 0x0a;

/** Takes a reply of XREAD or XRANGE apart: `[id, [field, value, …]]`. Never throws: anybody can add an entry, and the others must go on. */
export function decodeEntry(kind: StreamKind, raw: readonly [Buffer, readonly Buffer[]]): StreamEntry {
  const [id, fields] = raw;
  let version = '';
  let rows = 0;
  let body = EMPTY;
  let account: Account | undefined;
  let was: string | undefined;
  let columns = 0;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const field = String(fields[i]);
    if (field === 'v') version = String(fields[i + 1]);
    else if (field === 'n') rows = Number(String(fields[i + 1]));
    else if (field === 'c') columns = Number(String(fields[i + 1]));
    else if (field === 'was') was = String(fields[i + 1]);
    else if (field === 'a') account = decodeAccount(String(fields[i + 1]));
    else if (field === ROWS_FIELD[kind]) body = fields[i + 1] ?? EMPTY;
  }
  const broken = brokenBecause();
  if (broken === undefined) {
    const entry: StreamEntry = { id: String(id), rows, body, fields };
    if (account !== undefined) entry.account = account;
    if (was !== undefined) entry.was = was;
    if (columns > (COLUMNS[kind] ?? 0)) entry.newer = true;
    return entry;
  }
  return { id: String(id), rows: 0, body: EMPTY, fields, broken };

  function brokenBecause(): string | undefined {
    if (version !== ENTRY_VERSION) return `is not of format version ${ENTRY_VERSION}`;
    // Rows travel on as one text: a last line without its end would run into the next entry's first.
    if (body.at(-1) !== NEWLINE) return `has no whole lines in the field ${ROWS_FIELD[kind]}`;
    if (!(Number.isSafeInteger(rows) && rows > 0)) return 'does not say in the field n how many rows it has';
    return undefined;
  }
}

/** The status that a row's transaction had in its revision before: '' if that is its first, undefined if the entry does not say it. */
export function statusBefore({ was }: StreamEntry, row: number): TransactionStatus | '' | undefined {
  return STATUS_OF.get(was?.[row] ?? '');
}

/** What an entry takes in memory: of one that is none of ours, all of its fields are kept. */
export function bytesHeld({ body, fields, broken }: StreamEntry): number {
  if (broken === undefined) return body.length;
  return fields.reduce((sum, field) => sum + field.length, 0);
}
