import type { Session, StreamChunk } from 'chdb';
import type { Gate } from './gate.ts';

/** Formats whose answer is the concatenation of its blocks, but for a first line that each block repeats. */
const HEADED = /^(?:CSVWithNames|TSVWithNames|TabSeparatedWithNames)$/;
const PLAIN =
  /^(?:JSONEachRow|JSONLines|NDJSON|JSONCompactEachRow|JSONStringsEachRow|CSV|TSV|TabSeparated|TSKV|RowBinary|LineAsString|RawBLOB)$/;

/** Whether an answer in this format can be made block by block. */
export function isStreamable(format: string): boolean {
  return PLAIN.test(format) || HEADED.test(format);
}

/**
 * The blocks of an answer, one in memory at a time: the engine goes on when the next is asked for. Resolves with the first block computed, so
 * that most errors are thrown from here. Whoever stops early must return the iterator; until then the session is taken. The engine makes its
 * plan in this call, on the event loop, subqueries of the WHERE clause included.
 */
export async function streamRows(
  session: Session,
  sql: string,
  format: string,
  turns: Gate,
): Promise<AsyncIterable<Uint8Array>> {
  const stream = session.queryStream(sql, { format });
  const blocks = stream[Symbol.asyncIterator]();
  const next = () => turns.use(() => blocks.next());
  const first = await next();
  return bytesOf(first, next, () => stream.cancel(), HEADED.test(format));
}

async function* bytesOf(
  first: IteratorResult<StreamChunk>,
  next: () => Promise<IteratorResult<StreamChunk>>,
  cancel: () => void,
  headed: boolean,
): AsyncGenerator<Uint8Array> {
  try {
    let headerBytes = 0;
    for (let block = first; block.done !== true; block = await next()) {
      const bytes = block.value.raw();
      yield bytes.subarray(headerBytes);
      if (headed && headerBytes === 0) headerBytes = lengthOfFirstLine(bytes);
    }
  } finally {
    cancel();
  }
}

/** Takes chunks before they are wanted, up to so many bytes. Throws what they throw until then. */
export async function takeAhead(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<AsyncIterable<Uint8Array>> {
  const rest = chunks[Symbol.asyncIterator]();
  const taken: Uint8Array[] = [];
  for (let bytes = 0; bytes < bytesMax;) {
    const chunk = await rest.next();
    if (chunk.done === true) return inOrder(taken, rest);
    taken.push(chunk.value);
    bytes += chunk.value.length;
  }
  return inOrder(taken, rest);
}

async function* inOrder(taken: Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for (let chunk = taken.shift(); chunk !== undefined; chunk = taken.shift()) yield chunk;
    for (let chunk = await rest.next(); chunk.done !== true; chunk = await rest.next()) yield chunk.value;
  } finally {
    await rest.return?.();
  }
}

/** Names in CSV may have line ends, within quotes. */
function lengthOfFirstLine(bytes: Uint8Array): number {
  let quoted = false;
  for (const [at, byte] of bytes.entries()) {
    if (byte === 0x22) quoted = !quoted;
    if (byte === 0x0a && !quoted) return at + 1;
  }
  return bytes.length;
}
