import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { ByteLease } from './limits.ts';
import { HttpRefusal } from './refusal.ts';

/** The body of a request: read and decompressed as it arrives, never more of it in memory than its bound. */

export interface BodyLimits {
  /** Bound of the body, both as it travels and decompressed. */
  bytesMax: number;
  /** What the body may take of all requests' memory. */
  lease: ByteLease;
  /** Called with the size of every piece that arrives. */
  readonly onReceived: (bytes: number) => void;
}

type Encoding = keyof typeof DECOMPRESSORS;

const OPTIONS = { chunkSize: 64 * 1024 };
const DECOMPRESSORS = {
  gzip: () => createGunzip(OPTIONS),
  // RFC 9110 8.4.1.3: `x-gzip` is the same, and `deflate` is the zlib format.
  'x-gzip': () => createGunzip(OPTIONS),
  deflate: () => createInflate(OPTIONS),
  br: () => createBrotliDecompress(OPTIONS),
} satisfies Record<string, () => Transform>;

/** More would only serve to cost us memory. */
const ENCODINGS_MAX = 4;

/** The codings of a Content-Encoding header in the order they were applied. Throws a 415 for what we do not know. */
export function parseContentEncoding(header: string | undefined): Encoding[] {
  const names = (header ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
  const known = names.filter((name): name is Encoding => Object.hasOwn(DECOMPRESSORS, name));
  if (known.length === names.length && names.length <= ENCODINGS_MAX) return known;
  throw new HttpRefusal(
    415,
    `Content-Encoding may be gzip, deflate or br, or a list of at most ${ENCODINGS_MAX} of them`,
    // RFC 7694 3: what may be used instead.
    { headers: { 'Accept-Encoding': 'gzip, deflate, br' } },
  );
}

/**
 * The whole body, decompressed. Throws a 413 as soon as it is known to be too large, a 503 when all requests together
 * hold too much, a 400 when it cannot be decompressed or its sender left.
 *
 * The rest of a body that was not read to its end is left in the connection: the server reads it away for a moment
 * after the answer, so that the answer is seen, and then closes the connection.
 */
export async function readBody(
  incoming: IncomingMessage,
  encodings: readonly Encoding[],
  limits: BodyLimits,
): Promise<Buffer> {
  const announced = Number(incoming.headers['content-length'] ?? 0);
  if (announced > limits.bytesMax) throw tooLarge(limits.bytesMax);
  const body = createGrowingBuffer(limits, encodings.length === 0 ? announced : 0);
  try {
    if (encodings.length === 0) await readPlain(incoming, limits, body.add);
    else await readEncoded(incoming, encodings, limits, body.add);
  } catch (error) {
    if (error instanceof HttpRefusal) throw error;
    if (isCorrupt(error)) {
      const message = `the body is not what Content-Encoding says (${encodings.join(', ')}), or it is cut off`;
      throw new HttpRefusal(400, message, { cause: error });
    }
    if (incoming.destroyed && !incoming.complete) {
      throw new HttpRefusal(400, 'the connection ended before the body', { cause: error });
    }
    throw error;
  }
  return body.bytes();
}

type Take = (piece: Buffer) => void;

/**
 * By events and not by the stream's iterator, which costs a small request a tenth of all its CPU. What a request may hold is bounded by `take`, so nothing
 * need push back.
 */
function readPlain(incoming: IncomingMessage, limits: BodyLimits, take: Take): Promise<void> {
  const count = createCount(limits);
  return new Promise((resolve, reject) => {
    // It has told its end already, and would not again.
    if (incoming.destroyed) throw closedEarly();
    const onData = (piece: Buffer) => {
      try {
        count(piece);
        take(piece);
      } catch (error) {
        incoming.pause();
        settle(error);
      }
    };
    const onEnd = () => settle();
    // A connection that ends before the body is told as an error to whoever listens for one; closing without either is as bad.
    const onClose = () => settle(closedEarly());
    const settle = (error?: unknown) => {
      incoming.off('data', onData).off('end', onEnd).off('error', settle).off('close', onClose);
      if (error === undefined) resolve();
      else reject(error);
    };
    incoming.on('end', onEnd).on('error', settle).on('close', onClose).on('data', onData);
  });
}

function closedEarly(): Error {
  return new Error('the request was closed before its end');
}

async function readEncoded(
  incoming: IncomingMessage,
  encodings: readonly Encoding[],
  limits: BodyLimits,
  take: Take,
): Promise<void> {
  let pieces: AsyncIterable<Buffer> = received(incoming, limits);
  for (const encoding of encodings.toReversed()) pieces = decompressed(pieces, encoding);
  for await (const piece of pieces) take(piece);
}

async function* received(incoming: IncomingMessage, limits: BodyLimits): AsyncGenerator<Buffer> {
  const count = createCount(limits);
  // Destroying the request would cut the connection before its sender has the answer.
  const pieces = incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const piece of pieces) {
    count(piece);
    yield piece;
  }
}

/** Counts what arrives as it travels; throws a 413 over its bound. */
function createCount({ bytesMax, onReceived }: BodyLimits): Take {
  let bytes = 0;
  return (piece) => {
    bytes += piece.length;
    onReceived(piece.length);
    if (bytes > bytesMax) throw tooLarge(bytesMax);
  };
}

/** Backpressure goes through: what is not asked for is not decompressed. Whoever stops asking ends both sides. */
function decompressed(pieces: AsyncIterable<Buffer>, encoding: Encoding): AsyncIterable<Buffer> {
  // Failures reach whoever reads the returned stream.
  return pipeline(pieces, DECOMPRESSORS[encoding](), () => undefined);
}

/** zlib's codes start with Z_, brotli's with ERR_BROTLI or (sic) ERR__ERROR. */
function isCorrupt(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code !== undefined && /^(?:Z_|ERR_BROTLI|ERR__ERROR)/.test(code);
}

function tooLarge(bytesMax: number): HttpRefusal {
  return new HttpRefusal(413, `the body is larger than ${bytesMax} bytes (after decompression)`);
}

const CAPACITY_BYTES_MIN = 16 * 1024;

/**
 * Pieces are copied together instead of being kept: a sender that sends one byte at a time would have us keep a
 * Buffer, and the socket's block behind it, for each.
 */
function createGrowingBuffer({ bytesMax, lease }: BodyLimits, expectedBytes: number) {
  lease.take(expectedBytes);
  let buffer = Buffer.allocUnsafe(expectedBytes);
  let length = 0;
  return {
    add: (piece: Buffer): void => {
      const needed = length + piece.length;
      if (needed > bytesMax) throw tooLarge(bytesMax);
      if (needed > buffer.length) {
        const capacity = Math.min(bytesMax, Math.max(needed, buffer.length * 2, CAPACITY_BYTES_MIN));
        lease.take(capacity - buffer.length);
        const grown = Buffer.allocUnsafe(capacity);
        buffer.copy(grown, 0, 0, length);
        buffer = grown;
      }
      piece.copy(buffer, length);
      length = needed;
    },
    bytes: (): Buffer => buffer.subarray(0, length),
  };
}
