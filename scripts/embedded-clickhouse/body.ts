import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { clickHouseError } from './clickhouse-error.ts';
import { headerOf, RequestError } from './request.ts';

/** The largest request body, after decompression: some batches of the sinks. */
export const BODY_BYTES_MAX = 128 * 1024 * 1024;
/** Of all bodies that are being read, wait or are worked on. */
const BODIES_BYTES_MAX = 512 * 1024 * 1024;

/** Request bodies in memory, bounded one by one and together. */
export interface Bodies {
  /**
   * Reads a body and works on it; its memory counts until the work has ended. Throws a RequestError when it is too large, when all together
   * are (MEMORY_LIMIT_EXCEEDED: worth another attempt), or when its encoding is unknown.
   */
  use<T>(request: IncomingMessage, bytesMax: number, work: (body: Buffer) => Promise<T>): Promise<T>;
}

export function createBodies(bytesTogetherMax = BODIES_BYTES_MAX): Bodies {
  let bytesTogether = 0;
  return {
    use: async (request, bytesMax, work) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      try {
        for await (const chunk of decoded(request)) {
          bytes += chunk.length;
          bytesTogether += chunk.length;
          if (bytes > bytesMax) throw tooLarge();
          if (bytesTogether > bytesTogetherMax) throw tooMuch();
          chunks.push(chunk);
        }
        const [only] = chunks;
        const body = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
        chunks.length = 0;
        return await work(body);
      } finally {
        bytesTogether -= bytes;
      }
    },
  };
}

function tooLarge(): RequestError {
  return new RequestError(clickHouseError(1001, 'REQUEST_ENTITY_TOO_LARGE', 'The body is too large'));
}

function tooMuch(): RequestError {
  return new RequestError(
    clickHouseError(241, 'MEMORY_LIMIT_EXCEEDED', 'Too many large requests at the same time'),
  );
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

function decoded(request: IncomingMessage): AsyncIterable<Buffer> {
  const encodings = (headerOf(request, 'content-encoding') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
  // Undone in the reverse order of their application (RFC 9110, section 8.4).
  const decoders = encodings.reverse().map((name) => {
    const decoder = DECODERS[name];
    if (decoder !== undefined) return decoder();
    throw new RequestError(clickHouseError(48, 'NOT_IMPLEMENTED', `Unknown content encoding: ${name}`));
  });
  // The connection outlives a body that is refused: the answer says why.
  if (decoders.length === 0) return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  // An error in a decoder ends the last stream with it, and so the loop.
  return pipeline([request, ...decoders], () => undefined) as unknown as AsyncIterable<Buffer>;
}
