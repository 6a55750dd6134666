import type { Document } from 'mongodb';
import type { RefusedRow } from '../sink.ts';
import { ask, WRITE_CONCERN } from './ask.ts';
import { refusedBy } from './insert.ts';
import type { Met, Placed, WriteDeps } from './insert.ts';

/**
 * Of the revisions of a transaction only the truest is kept: the one whose transaction was begun first, and of those the greatest version
 * (common/summary.ts). Whoever comes late with another changes nothing, since the condition and the replacement are one operation of the store.
 */

/** Of several revisions in a batch the truest, which is the only one that would be left. */
export function truestOfEach(placed: readonly Placed[]): Placed[] {
  const truest = new Map<unknown, Placed>();
  for (const one of placed) {
    const { _id: id } = one.document;
    const known = truest.get(id);
    if (known === undefined || isTruer(one.document, known.document)) truest.set(id, one);
  }
  return [...truest.values()];
}

function isTruer(a: Document, b: Document): boolean {
  const begun = (document: Document) => Number(document['created_at']);
  if (begun(a) !== begun(b)) return begun(a) < begun(b);
  return Number(a['version']) > Number(b['version']);
}

/**
 * Updates of one command. FerretDB 1 holds one of its hundred connections for each until the command ends, and commands that wait for one
 * another's connections wait for ever. It is known by not saying which index a duplicate is in (insert.ts).
 */
const UPDATES_MAX = 2_000;
const UPDATES_MAX_FERRET = 10;

/**
 * Replaces summaries that are there, if these are truer. Without upserts: what an insert met just before is there, so what does not meet the
 * condition is as true or truer. (An upsert that meets a concurrent one may fail although it is the truer.)
 */
export async function replaceOlder(
  { db, msMax }: WriteDeps,
  collection: string,
  met: readonly Met[],
  signal: AbortSignal,
): Promise<RefusedRow[]> {
  const refused: RefusedRow[] = [];
  const max = met.some(({ known }) => known !== undefined) ? UPDATES_MAX_FERRET : UPDATES_MAX;
  const truer = met.filter(({ document, known }) => known === undefined || isTruer(document, known));
  for (let at = 0; at < truer.length;) {
    const part = truer.slice(at, at + max);
    const updates = part.map(({ document }) => ({
      q: olderThan(document),
      u: document,
      upsert: false,
      multi: false,
    }));
    const command = { update: collection, updates, ordered: false, writeConcern: WRITE_CONCERN };
    const { writeErrors = [] } = await ask(db, { command, msMax, signal });
    for (const error of writeErrors) refused.push(refusedBy(error, part));
    // What comes after an error may not have been tried (FerretDB 1); tried again, it changes nothing.
    at += (writeErrors.at(-1)?.index ?? part.length - 1) + 1;
  }
  return refused;
}

function olderThan({ _id: id, created_at: createdAt, version }: Document): Document {
  return {
    _id: id as unknown,
    $or: [
      { created_at: { $gt: createdAt as Date } },
      { created_at: createdAt as Date, version: { $lt: version as number } },
    ],
  };
}
