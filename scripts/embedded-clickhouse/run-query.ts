import type { RawInsertFormat, Session } from 'chdb';
import { clickHouseError } from './clickhouse-error.ts';
import { RequestError } from './request.ts';
import type { QueryRequest } from './request.ts';

/** An answer as it comes out of the engine: bytes in pieces, and what is known of the whole before the first or after the last. */
export interface Answer {
  format: string;
  chunks: AsyncIterable<Uint8Array>;
  /** As in X-ClickHouse-Summary; only what is known before the answer begins. */
  summary: { rowsWritten: number; rowsRead: number; bytesRead: number };
}

/** Formats whose answer is the concatenation of its blocks; the others are made in memory and sent whole. */
const STREAMABLE =
  /^(JSONEachRow|JSONLines|NDJSON|JSONCompactEachRow|JSONStringsEachRow|CSV|CSVWithNames|TSV|TabSeparated|TSVWithNames|TabSeparatedWithNames|RowBinary|LineAsString|RawBLOB)$/;

/** Formats whose rows the engine takes as bytes, without their becoming text in JavaScript. */
const RAW_INSERT: ReadonlySet<string> = new Set([
  'JSONEachRow',
  'JSONCompactEachRow',
  'CSV',
  'CSVWithNames',
  'TSV',
  'TabSeparated',
  'TSVWithNames',
  'TabSeparatedWithNames',
]);

const INSERT =
  /^\s*INSERT\s+INTO\s+(?:TABLE\s+)?((?:[`"]?\w+[`"]?\.)?[`"]?\w+[`"]?)\s*(?:\(([^)]*)\)\s*)?(?:SETTINGS\s+([\s\S]*?)\s+)?FORMAT\s+(\w+)\s*;?\s*$/i;

/** The session is the caller's alone until the answer's last piece has been taken. */
export async function runQuery(session: Session, request: QueryRequest): Promise<Answer> {
  if (request.database !== undefined) session.query(`USE ${quoteName(request.database)}`);
  const insert = INSERT.exec(request.sql);
  if (insert !== null && RAW_INSERT.has(insert[4] ?? '') && insert[3] === undefined) {
    return insertRows(session, request, insert);
  }
  applySettings(session, request.settings);
  applyParameters(session, request);
  if (/^\s*INSERT\s/i.test(request.sql)) return insertAsText(session, request);
  return select(session, request);
}

/** Gives a session back as it was. Settings that a readonly session refuses to reset were refused when they were set. */
export function resetSession(session: Session, request: QueryRequest): void {
  const names = Object.keys(request.settings);
  if (names.length > 0) session.query(`SET ${names.map((name) => `${name} = DEFAULT`).join(', ')}`);
  if (request.database !== undefined) session.query('USE default');
}

function applySettings(session: Session, settings: Readonly<Record<string, string>>): void {
  const entries = Object.entries(settings);
  if (entries.length === 0) return;
  session.query(`SET ${entries.map(([name, value]) => `${name} = ${quoteText(value)}`).join(', ')}`);
}

/** Parameters that a session was given once; they cannot be taken back from it. */
const known = new WeakMap<Session, Set<string>>();

/** By `SET param_x`, whose text the engine reads as ClickHouse's HTTP handler does; chdb's own binding escapes arrays twice. */
function applyParameters(session: Session, { params, sql }: QueryRequest): void {
  const seen = known.get(session) ?? new Set<string>();
  for (const [, name = ''] of sql.matchAll(/\{\s*(\w+)\s*:/g)) {
    // Without this, a query that forgot a parameter would get an earlier one's value.
    if (seen.has(name) && params[name] === undefined) {
      throw new RequestError(
        clickHouseError(456, 'UNKNOWN_QUERY_PARAMETER', `Substitution \`${name}\` is not set`),
      );
    }
  }
  const entries = Object.entries(params);
  if (entries.length === 0) return;
  for (const [name] of entries) seen.add(name);
  known.set(session, seen);
  session.query(`SET ${entries.map(([name, value]) => `param_${name} = ${quoteText(value)}`).join(', ')}`);
}

async function insertRows(session: Session, request: QueryRequest, insert: RegExpExecArray): Promise<Answer> {
  const [, table = '', columns, , format = ''] = insert;
  const { rowsWritten } = await session.insert({
    table: table.replaceAll(/[`"]/g, ''),
    values: request.data,
    format: format as RawInsertFormat,
    settings: request.settings,
    ...(columns === undefined
      ? {}
      : { columns: columns.split(',').map((name) => name.trim().replaceAll(/[`"]/g, '')) }),
  });
  return { format: '', chunks: noChunks(), summary: { rowsWritten, rowsRead: 0, bytesRead: 0 } };
}

/** INSERT … VALUES, INSERT … SELECT, and formats that need the statement and the rows in one. */
async function insertAsText(session: Session, request: QueryRequest): Promise<Answer> {
  const sql = request.data.length === 0 ? request.sql : `${request.sql}\n${request.data.toString()}`;
  const result = await session.queryAsync(sql, { format: request.defaultFormat });
  return {
    format: '',
    chunks: noChunks(),
    summary: { rowsWritten: 0, rowsRead: result.rowsRead, bytesRead: result.bytesRead },
  };
}

async function select(session: Session, request: QueryRequest): Promise<Answer> {
  const format = formatOf(request.sql) ?? request.defaultFormat;
  if (!STREAMABLE.test(format) || !/^\s*(?:SELECT|WITH|\(|--|\/\*)/i.test(request.sql)) {
    const result = await session.queryAsync(request.sql, { format });
    const summary = { rowsWritten: 0, rowsRead: result.rowsRead, bytesRead: result.bytesRead };
    return { format, chunks: oneChunk(result.bytes()), summary };
  }
  const stream = session.queryStream(request.sql, { format });
  const blocks = stream[Symbol.asyncIterator]();
  // The first block is awaited here: most errors show before it, and can then be told by the status.
  const first = await blocks.next();
  async function* chunks() {
    try {
      for (let block = first; block.done !== true; block = await blocks.next()) yield block.value.raw();
    } finally {
      stream.cancel();
    }
  }
  return { format, chunks: chunks(), summary: { rowsWritten: 0, rowsRead: 0, bytesRead: 0 } };
}

function formatOf(sql: string): string | undefined {
  return /\bFORMAT\s+(\w+)\s*(?:SETTINGS\s[\s\S]*)?;?\s*$/i.exec(sql)?.[1];
}

async function* noChunks(): AsyncGenerator<Uint8Array> {
  // An INSERT answers with an empty body.
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
}

function quoteName(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}
