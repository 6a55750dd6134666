import type { Db, Document } from 'mongodb';
import { MongoServerError } from 'mongodb';
import type { FatalError, RetriableError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { StreamKind } from '../../common/redis/keys.ts';
import { ask } from './ask.ts';
import { INDEX_CONFLICTS, NOT_IMPLEMENTED } from './failure.ts';

/** The collections and their indexes, made by whoever opens them first; made again they do no harm, so several processes may open at once. */

interface Collection {
  name: string;
  /** By their names: what is asked most. Each costs every write, so they are few. */
  indexes: Readonly<Record<string, Readonly<Record<string, 1 | -1>>>>;
  /** The date that retention counts from: when it came or changed, never the nodes' own times. */
  since: string;
}

/** The value first: people know a number, and not always what it is called. */
const BY_BUSINESS_KEY = { 'business_keys.v': 1, 'business_keys.k': 1 } as const;

export const COLLECTIONS: Readonly<Record<StreamKind, Collection>> = {
  log: {
    name: 'tracking_log',
    indexes: {
      by_transaction: { transaction_id: 1, event_time: 1, event_time_us: 1 },
      by_interface: { interface_id: 1, event_time: -1 },
      by_status: { status: 1, event_time: -1 },
      by_business_key: BY_BUSINESS_KEY,
    },
    since: 'ingest_time',
  },
  summary: {
    name: 'transaction_summary',
    indexes: {
      by_interface: { interface_id: 1, started_at: -1 },
      by_status: { status: 1, updated_at: -1 },
      by_business_key: BY_BUSINESS_KEY,
    },
    since: 'updated_at',
  },
  dead_letter: {
    name: 'dead_letter',
    indexes: { by_time: { input: 1, ingest_time: -1 } },
    since: 'ingest_time',
  },
};

const EXPIRES = 'expires';

export interface OpenDeps {
  db: Db;
  /** How long documents of each collection are kept, in seconds. */
  retention: Readonly<Record<StreamKind, number>>;
  /** For one command. An index of a large collection that is new takes longer; the next attempt finds it being made. */
  msMax: number;
  logger: Logger;
}

/** Makes what is not there. Throws as `ask` does. */
export async function openCollections(deps: OpenDeps, signal: AbortSignal): Promise<void> {
  const { db, msMax } = deps;
  const unsupported: string[] = [];
  for (const [stream, { name, indexes, since }] of Object.entries(COLLECTIONS)) {
    for (const [index, key] of Object.entries(indexes)) {
      await askUnless(
        INDEX_CONFLICTS,
        ask(db, { command: creation(name, { name: index, key }), msMax, signal }),
      );
    }
    const seconds = deps.retention[stream as StreamKind];
    if (!(await expireAfter(deps, name, since, seconds, signal))) unsupported.push(name);
  }
  if (unsupported.length > 0) {
    deps.logger.warn(
      { collections: unsupported },
      'this server cannot drop documents by their age: retention has no effect, drop them yourself',
    );
  }
}

function creation(collection: string, index: Document): Document {
  return { createIndexes: collection, indexes: [index] };
}

/** False if the server has no indexes that expire (FerretDB 1). A retention that was changed in the config takes effect here. */
async function expireAfter(
  { db, msMax }: OpenDeps,
  collection: string,
  since: string,
  seconds: number,
  signal: AbortSignal,
): Promise<boolean> {
  const index = { name: EXPIRES, key: { [since]: 1 }, expireAfterSeconds: seconds };
  const made = await askUnless(
    new Set<unknown>([...INDEX_CONFLICTS, NOT_IMPLEMENTED]),
    ask(db, { command: creation(collection, index), msMax, signal }),
  );
  if (made === NOT_IMPLEMENTED) return false;
  if (made !== undefined) {
    const command = { collMod: collection, index: { keyPattern: index.key, expireAfterSeconds: seconds } };
    await ask(db, { command, msMax, signal });
  }
  return true;
}

/** Waits for an answer; the code if the server refused with one of these. */
async function askUnless(codes: ReadonlySet<unknown>, asked: Promise<unknown>): Promise<number | undefined> {
  try {
    await asked;
    return undefined;
  } catch (error) {
    const { cause } = error as FatalError | RetriableError;
    if (cause instanceof MongoServerError && codes.has(cause.code)) return cause.code as number;
    throw error;
  }
}
