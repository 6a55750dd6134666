import type { ClientBase, Connection, Submittable } from 'pg';

/** COPY … FROM STDIN, which pg speaks but has no query for: rows as text, a line each. */

/** What pg's connection can do besides what its types tell. */
type CopyingConnection = Connection & { sendCopyFromChunk(chunk: Buffer): void; endCopyFrom(): void };

/** What pg calls while the query is its client's active one. */
interface CopyQuery extends Submittable {
  callback: () => void;
  handleCopyInResponse(connection: CopyingConnection): void;
  handleCommandComplete(): void;
  handleReadyForQuery(): void;
  handleError(error: Error): void;
}

const CHUNK_CHARACTERS = 64 * 1024;

/** Resolves when the server has taken all lines. After an error the connection is as usable as after any other. */
export function copyIn(client: ClientBase, sql: string, lines: Iterable<string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const query: CopyQuery = {
      callback: () => undefined,
      submit: (connection) => connection.query(sql),
      handleCopyInResponse: (connection) => {
        for (const chunk of inChunks(lines)) connection.sendCopyFromChunk(chunk);
        connection.endCopyFrom();
      },
      handleCommandComplete: () => undefined,
      handleReadyForQuery: () => resolve(),
      handleError: reject,
    };
    client.query(query);
  });
}

/** All of them go to the socket at once, which holds them: a batch is bounded. */
function* inChunks(lines: Iterable<string>): Generator<Buffer> {
  let text = '';
  for (const line of lines) {
    text += line;
    if (text.length < CHUNK_CHARACTERS) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

/** A row in COPY's text format. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.55.9.2 */
export function copyLine(values: readonly (string | number | boolean | null | Buffer)[]): string {
  let line = '';
  for (const value of values) line += `\t${copyField(value)}`;
  return `${line.slice(1)}\n`;
}

function copyField(value: string | number | boolean | null | Buffer): string {
  if (value === null) return String.raw`\N`;
  // bytea as hex; its backslash is escaped like any other.
  if (Buffer.isBuffer(value)) return String.raw`\\x` + value.toString('hex');
  if (typeof value !== 'string') return String(value);
  return SPECIAL.test(value) ? value.replaceAll(ALL_SPECIAL, (found) => ESCAPED[found] ?? found) : value;
}

const SPECIAL = /[\\\n\r\t]/;
const ALL_SPECIAL = /[\\\n\r\t]/g;
const ESCAPED: Readonly<Record<string, string>> = {
  '\\': String.raw`\\`,
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
};
