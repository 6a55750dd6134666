import type { Db, Document } from 'mongodb';
import { BSON } from 'mongodb';
import type { RefusedRow } from '../sink.ts';
import { ask, WRITE_CONCERN } from './ask.ts';
import { DUPLICATE_KEY, failureOf, reasonOf, ROW_CODES } from './failure.ts';
import type { WriteError } from './failure.ts';

export interface WriteDeps {
  db: Db;
  /** For one command. */
  msMax: number;
}

/** A row of the batch as a document, by its index. */
export interface Placed {
  index: number;
  document: Document;
}

/** One whose `_id` is there already. */
export interface Met extends Placed {
  /** What is there, if it had to be asked for: `created_at` and `version`, where it has them. */
  known?: Document;
}

/**
 * Inserts documents, those that are there already left out. An insert and not an upsert: for the same `_id` it has the same effect, it is
 * the cheaper one, and every server goes on after a duplicate (FerretDB 1 ends an unordered update at its first error).
 */
export async function insertDocuments(
  deps: WriteDeps,
  collection: string,
  placed: readonly Placed[],
  signal: AbortSignal,
): Promise<{ refused: RefusedRow[]; met: Met[] }> {
  const documents = placed.map(({ document }) => document);
  const command = { insert: collection, documents, ordered: false, writeConcern: WRITE_CONCERN };
  const { writeErrors = [] } = await ask(deps.db, { command, msMax: deps.msMax, signal });
  const refused: RefusedRow[] = [];
  const met: Met[] = [];
  const untold: WriteError[] = [];
  for (const error of writeErrors) {
    const one = placed[error.index];
    if (error.code !== DUPLICATE_KEY || one === undefined) refused.push(refusedBy(error, placed));
    else if (error.keyPattern === undefined) untold.push(error);
    else if (Object.keys(error.keyPattern).join() === '_id') met.push(one);
    // Somebody's own unique index has its values in another document.
    else refused.push(refusedBy(error, placed));
  }
  if (untold.length > 0) await askFor(deps, collection, placed, untold, { refused, met }, signal);
  return { refused, met };
}

/** Throws if the error is not about its document. */
export function refusedBy(error: WriteError, placed: readonly Placed[]): RefusedRow {
  const index = placed[error.index]?.index;
  if (index === undefined || (error.code !== DUPLICATE_KEY && ROW_CODES[error.code] === undefined))
    throw failureOf(error.code, new Error(error.errmsg));
  return { index, reason: reasonOf(error) };
}

/** MongoDB says of a duplicate which index has it; of a server that does not (FerretDB), what is there under the ids is asked for. */
async function askFor(
  { db, msMax }: WriteDeps,
  collection: string,
  placed: readonly Placed[],
  duplicates: readonly WriteError[],
  { refused, met }: { refused: RefusedRow[]; met: Met[] },
  signal: AbortSignal,
): Promise<void> {
  const idOf = ({ index }: WriteError) => placed[index]?.document['_id'] as unknown;
  const command = {
    find: collection,
    filter: { _id: { $in: duplicates.map(idOf) } },
    projection: { _id: 1, created_at: 1, version: 1 },
    batchSize: duplicates.length,
    singleBatch: true,
  };
  const answer = await ask(db, { command, msMax, signal });
  const { firstBatch } = answer['cursor'] as { firstBatch: Document[] };
  const knownOf = new Map(firstBatch.map((known) => [BSON.EJSON.stringify(known['_id']), known]));
  for (const duplicate of duplicates) {
    const known = knownOf.get(BSON.EJSON.stringify(idOf(duplicate)));
    const one = placed[duplicate.index];
    if (known === undefined || one === undefined) refused.push(refusedBy(duplicate, placed));
    else met.push({ ...one, known });
  }
}
