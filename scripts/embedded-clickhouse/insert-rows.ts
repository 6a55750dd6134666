import { isUtf8 } from 'node:buffer';
import type { RawInsertFormat, Session } from 'chdb';
import type { Answer } from './answer.ts';
import { clickHouseError } from './clickhouse-error.ts';
import { RequestError } from './request.ts';
import type { QueryRequest } from './request.ts';

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
  /^\s*INSERT\s+INTO\s+(?:TABLE\s+)?((?:[`"]?\w+[`"]?\.)?[`"]?\w+[`"]?)\s*(?:\(([^()]*)\)\s*)?FORMAT\s+(\w+)\s*;?\s*$/i;
const COLUMN = /^[`"]?\w+[`"]?$/;

/** An insert whose rows can be handed on as they are. */
export interface RawInsert {
  table: string;
  columns: string[] | undefined;
  format: RawInsertFormat;
}

export function rawInsertOf(request: QueryRequest): RawInsert | undefined {
  const [, table = '', list, format = ''] = INSERT.exec(request.sql) ?? [];
  const columns = list?.split(',').map((name) => name.trim());
  if (!RAW_INSERT.has(format) || request.data.length === 0) return undefined;
  // Other names, and all but some, are for the engine's parser.
  if (columns?.every((name) => COLUMN.test(name)) === false) return undefined;
  return { table: plain(table), columns: columns?.map(plain), format: format as RawInsertFormat };
}

function plain(name: string): string {
  return name.replaceAll(/[`"]/g, '');
}

export async function insertRows(
  session: Session,
  { data, settings }: QueryRequest,
  { table, columns, format }: RawInsert,
): Promise<Answer> {
  const { rowsWritten } = await session.insert({
    table,
    values: data,
    format,
    settings,
    ...(columns === undefined ? {} : { columns }),
  });
  return emptyAnswer(rowsWritten);
}

/** INSERT … VALUES, INSERT … SELECT, and formats that need the statement and the rows in one. */
export async function insertAsText(session: Session, request: QueryRequest): Promise<Answer> {
  // The engine takes statements as text only; other bytes would be stored as something else.
  if (!isUtf8(request.data)) {
    throw new RequestError(
      clickHouseError(48, 'NOT_IMPLEMENTED', 'The embedded ClickHouse takes rows in text formats only'),
    );
  }
  const sql = request.data.length === 0 ? request.sql : `${request.sql}\n${request.data.toString()}`;
  await session.queryAsync(sql, { format: request.defaultFormat });
  return emptyAnswer(0);
}

function emptyAnswer(rowsWritten: number): Answer {
  return { format: '', chunks: noChunks(), summary: { rowsWritten, rowsRead: 0, bytesRead: 0 } };
}

async function* noChunks(): AsyncGenerator<Uint8Array> {
  // An INSERT answers with an empty body.
}
