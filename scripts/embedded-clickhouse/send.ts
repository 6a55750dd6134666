import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** A reader that takes nothing for so long is let go, so that it does not hold its query for ever. ClickHouse's own limit is 30 s. */
const STALL_MS_MAX = 60_000;
/** Small enough that a slow line takes one within the limit. */
const PIECE_BYTES = 64 * 1024;

export class StalledReaderError extends Error {
  override readonly name = 'StalledReaderError';
}

/**
 * Sends an answer at the pace of its reader, who is waited for before the next piece is made: no more than a chunk is in memory. Throws when the
 * reader goes away (the signal's reason) or stalls, and what the chunks throw; they are returned in each case.
 */
export async function send(
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array>,
  compress: boolean,
  signal: AbortSignal,
  stallMsMax = STALL_MS_MAX,
): Promise<void> {
  const sink: Writable = compress ? createGzip({ level: 1 }) : response;
  if (compress) response.setHeader('Content-Encoding', 'gzip');
  const sent = compress
    ? pipeline(sink as ReturnType<typeof createGzip>, response)
    : finished(response, { readable: false });
  // Told by the writes below when it fails earlier.
  sent.catch(() => undefined);
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      signal.throwIfAborted();
      if (!sink.write(chunk.subarray(at, at + PIECE_BYTES))) await drained(sink, signal, stallMsMax);
    }
  }
  sink.end();
  await within(sent, signal, stallMsMax);
}

function drained(sink: Writable, signal: AbortSignal, msMax: number): Promise<unknown> {
  const stop = new AbortController();
  const drain = once(sink, 'drain', { signal: stop.signal });
  drain.catch(() => undefined);
  return within(drain, signal, msMax).finally(() => stop.abort());
}

async function within(work: Promise<unknown>, signal: AbortSignal, msMax: number): Promise<void> {
  signal.throwIfAborted();
  let giveUp: (error: Error) => void = () => undefined;
  const given = new Promise<never>((_, reject) => (giveUp = reject));
  const gone = () => giveUp(signal.reason as Error);
  const timer = setTimeout(
    () => giveUp(new StalledReaderError(`a reader took nothing for ${msMax} ms`)),
    msMax,
  );
  signal.addEventListener('abort', gone, { once: true });
  try {
    await Promise.race([work, given]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', gone);
  }
}
