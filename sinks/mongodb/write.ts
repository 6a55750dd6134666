import type { Document } from 'mongodb';
import { BSON } from 'mongodb';
import { RetriableError } from '../../common/errors.ts';
import { checkRow } from '../check-row.ts';
import { linesOf } from '../lines.ts';
import { ROWS_REFUSED_MAX } from '../halving.ts';
import type { RefusedRow, SinkBatch } from '../sink.ts';
import { COLLECTIONS } from './collections.ts';
import { toDocument } from './documents.ts';
import { insertDocuments } from './insert.ts';
import type { Placed, WriteDeps } from './insert.ts';
import { replaceOlder, truestOfEach } from './summaries.ts';

/** Batches into collections, some rows at a time: a batch as documents would be several times as large as its lines. */
const SLICE_ROWS = 2_000;
/** Of lines. As documents they are at most some five times as large, and one command may have 48 MB. */
const SLICE_BYTES = 4 * 1024 * 1024;

/** MongoDB's own limit, of every version. https://www.mongodb.com/docs/manual/reference/limits/#bson-documents */
const DOCUMENT_BYTES_MAX = 16 * 1024 * 1024;
/** Shorter lines need no look at how large they are as documents. */
const LINE_BYTES_SURE = 1024 * 1024;

/** Stores a batch and names the rows that MongoDB will never take. Throws what a failure means (errors.ts). */
export async function writeBatch(
  deps: WriteDeps,
  batch: SinkBatch,
  signal: AbortSignal,
): Promise<RefusedRow[]> {
  const refused: RefusedRow[] = [];
  for (const slice of slicesOf(batch, refused)) {
    refused.push(...(await writeSlice(deps, batch, slice, signal)));
    if (refused.length > ROWS_REFUSED_MAX) throw tooMany(refused);
  }
  return refused.sort((a, b) => a.index - b.index);
}

/** Also adds to `refused` what cannot become a document. */
function* slicesOf(batch: SinkBatch, refused: RefusedRow[]): Generator<Placed[]> {
  const lines = linesOf(batch.chunks);
  let slice: Placed[] = [];
  let bytes = 0;
  for (let index = 0; index < lines.count; index += 1) {
    const line = lines.slice(index, index + 1);
    const { document, reason } = documentOf(batch, line);
    if (document === undefined) refused.push({ index, reason });
    else slice.push({ index, document });
    bytes += line.length;
    if (slice.length < SLICE_ROWS && bytes < SLICE_BYTES) continue;
    yield slice;
    slice = [];
    bytes = 0;
  }
  yield slice;
}

type MadeDocument = { document: Document; reason?: never } | { document?: never; reason: string };

function documentOf({ stream }: SinkBatch, line: Buffer): MadeDocument {
  // A field of a newer release would be stored in one type now and in another once it is known: it waits, or is a dead letter.
  const { row, reason } = checkRow(stream, line.toString(), 'refuse');
  if (row === undefined) return { reason };
  const document = toDocument(stream, row);
  if (line.length > LINE_BYTES_SURE) {
    const size = BSON.calculateObjectSize(document);
    if (size > DOCUMENT_BYTES_MAX)
      return {
        reason: `BSONObjectTooLarge: ${size} bytes as a document; MongoDB takes ${DOCUMENT_BYTES_MAX}`,
      };
  }
  return { document };
}

async function writeSlice(
  deps: WriteDeps,
  { stream }: SinkBatch,
  slice: readonly Placed[],
  signal: AbortSignal,
): Promise<RefusedRow[]> {
  if (slice.length === 0) return [];
  const collection = COLLECTIONS[stream].name;
  if (stream !== 'summary') return (await insertDocuments(deps, collection, slice, signal)).refused;
  const { refused, met } = await insertDocuments(deps, collection, truestOfEach(slice), signal);
  return [...refused, ...(await replaceOlder(deps, collection, met, signal))];
}

function tooMany(refused: readonly RefusedRow[]): RetriableError {
  return new RetriableError(
    `MongoDB would not take more than ${ROWS_REFUSED_MAX} rows of a batch, which waits until the sinks and the collections fit the rows`,
    { cause: new Error(refused[0]?.reason) },
  );
}
