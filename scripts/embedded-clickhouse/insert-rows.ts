import { isUtf8 } from 'node:buffer';
import type { Session } from 'chdb';
import type { Answer } from './answer.ts';
import { clickHouseError } from './clickhouse-error.ts';
import { RequestError } from './request.ts';
import type { QueryRequest } from './request.ts';
import type { RowFiles } from './row-files.ts';
import { quoteText } from './session-pool.ts';

const INSERT =
  /^\s*INSERT\s+INTO\s+(?:TABLE\s+)?((?:[`"]?\w+[`"]?\.)?[`"]?\w+[`"]?)\s*(?:\(([^()]*)\)\s*)?FORMAT\s+(\w+)\s*;?\s*$/i;
const COLUMN = /^[`"]?\w+[`"]?$/;

/** An insert whose rows can be handed on as they are; its parts as the statement writes them. */
export interface RawInsert {
  table: string;
  columns: string | undefined;
  format: string;
}

export function rawInsertOf(request: QueryRequest): RawInsert | undefined {
  const [, table = '', columns, format = ''] = INSERT.exec(request.sql) ?? [];
  if (table === '' || request.data.length === 0) return undefined;
  // Other names, and all but some, are for the engine's parser.
  if (columns?.split(',').every((name) => COLUMN.test(name.trim())) === false) return undefined;
  return { table, columns, format };
}

export async function insertRows(
  session: Session,
  files: RowFiles,
  { data, settings }: QueryRequest,
  { table, columns, format }: RawInsert,
): Promise<Answer> {
  const set = Object.entries(settings).map(([name, value]) => `${name} = ${quoteText(value)}`);
  const { rowsRead } = await files.use(data, (path) =>
    session.queryAsync(
      [
        `INSERT INTO ${table}`,
        ...(columns === undefined ? [] : [`(${columns})`]),
        `FROM INFILE ${quoteText(path)} COMPRESSION 'none'`,
        ...(set.length === 0 ? [] : [`SETTINGS ${set.join(', ')}`]),
        `FORMAT ${format}`,
      ].join(' '),
    ),
  );
  return emptyAnswer(rowsRead);
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
