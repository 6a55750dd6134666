import type { Db, Document } from 'mongodb';
import type { Inspector, Span, StoredLogs } from '../inspector.ts';
import { storedTransactions } from '../inspector.ts';
import { ask } from './ask.ts';
import { COLLECTIONS } from './collections.ts';
import { timeOf } from './documents.ts';

/** Counting the logs of days. */
const INSPECT_MS_MAX = 5 * 60_000;
/** Documents of one answer. */
const BATCH = 10_000;

/** @param database throws what keeps it from being opened. */
export function inspectorOf(database: () => Db): Inspector {
  return {
    logs: async (collected, signal) => {
      const counts: StoredLogs[] = [];
      // One input after the other: FerretDB 1 groups by one field only.
      for (const input of await inputsOf(database(), collected, signal)) {
        const pipeline = [
          { $match: { ...matchOf(collected), input } },
          { $group: { _id: '$interface_id', n: { $sum: 1 } } },
        ];
        const aggregate = { aggregate: COLLECTIONS.log.name, pipeline, cursor: { batchSize: BATCH } };
        for (const { _id: id, n } of await documentsOf(database(), aggregate, signal)) {
          const interface_id = typeof id === 'string' ? id : '';
          counts.push({ input, interface_id, rows: Number(n), logs: Number(n) });
        }
      }
      return counts;
    },
    transactions: async ({ ids }, signal) => {
      const find = (collection: string, field: string, wanted: readonly string[]) =>
        documentsOf(
          database(),
          {
            find: collection,
            filter: { [field]: { $in: ids } },
            projection: Object.fromEntries(wanted.map((name) => [name, 1])),
            batchSize: BATCH,
          },
          signal,
        );
      const logs = await find(COLLECTIONS.log.name, 'transaction_id', ['transaction_id', 'event_id']);
      const times = ['created_at', 'last_event_at'];
      const summaries = await find(COLLECTIONS.summary.name, '_id', [
        'version',
        ...times,
        ...times.map((time) => `${time}_us`),
      ]);
      return storedTransactions(
        logs.map((log) => ({
          transaction_id: String(log['transaction_id']),
          event_id: String(log['event_id']),
        })),
        summaries.map((summary) => ({
          transaction_id: String(summary['_id']),
          version: Number(summary['version']),
          created_at: timeOf(summary, 'created_at'),
          last_event_at: timeOf(summary, 'last_event_at'),
        })),
      );
    },
  };
}

async function inputsOf(db: Db, collected: Span, signal: AbortSignal): Promise<string[]> {
  const command = { distinct: COLLECTIONS.log.name, key: 'input', query: matchOf(collected) };
  const { values } = await ask(db, { command, msMax: INSPECT_MS_MAX, signal });
  return (values as unknown[]).map(String);
}

function matchOf({ from, until }: Span): Document {
  return { ingest_time: { $gte: new Date(from), $lt: new Date(until) } };
}

/** All documents of a cursor. */
async function documentsOf(db: Db, command: Document, signal: AbortSignal): Promise<Document[]> {
  const found: Document[] = [];
  let { cursor } = (await ask(db, { command, msMax: INSPECT_MS_MAX, signal })) as { cursor: Cursor };
  for (;;) {
    found.push(...(cursor.firstBatch ?? []), ...(cursor.nextBatch ?? []));
    if (Number(cursor.id) === 0) return found;
    const more = {
      getMore: cursor.id,
      collection: cursor.ns.split('.').slice(1).join('.'),
      batchSize: BATCH,
    };
    ({ cursor } = (await ask(db, { command: more, msMax: INSPECT_MS_MAX, signal })) as { cursor: Cursor });
  }
}

interface Cursor {
  /** A 64-bit number; 0 at the end. */
  id: unknown;
  ns: string;
  firstBatch?: Document[];
  nextBatch?: Document[];
}
