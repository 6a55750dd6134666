import type { Db, Document } from 'mongodb';
import { MongoServerError } from 'mongodb';
import { expect, test } from 'vitest';
import { FatalError, RetriableError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { aLog, aSummary, batchOf } from '../testing/rows.ts';
import { openCollections } from './collections.ts';
import { FATAL_CODES, ROW_CODES } from './failure.ts';
import { writeBatch } from './write.ts';

/** Answers that FerretDB never gives, as MongoDB's manual has them; a real server answers in write.test.ts. */

const never = new AbortController().signal;

/** A server that answers as it is told, by the command's name. */
function serverOf(answers: Record<string, (command: Document) => Document | Error>) {
  const asked: Document[] = [];
  const db = {
    command: (command: Document) => {
      asked.push(command);
      const answer = answers[Object.keys(command)[0]!]?.(command) ?? { ok: 1 };
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  } as unknown as Db;
  return { db, asked };
}

const refusal = (code: number) => new MongoServerError({ code, errmsg: `code ${code}` });
const write = (db: Db, rows: readonly object[], stream: 'log' | 'summary' = 'log') =>
  writeBatch({ db, msMax: 1000 }, batchOf(stream, 'batch', rows), never);

test('a duplicate of another index than that of _id is a row that is refused', async () => {
  const duplicate = (index: number, field: string) => ({
    index,
    code: 11000,
    errmsg: `E11000 duplicate key error\n index: ${field}_1`,
    keyPattern: { [field]: 1 },
  });
  const { db, asked } = serverOf({
    insert: () => ({ ok: 1, writeErrors: [duplicate(0, '_id'), duplicate(1, 'node')] }),
  });
  expect(await write(db, [aLog(1), aLog(2)])).toEqual([
    { index: 1, reason: 'DuplicateKey: E11000 duplicate key error index: node_1' },
  ]);
  expect(asked.map((command) => Object.keys(command)[0])).toEqual(['insert']);
});

test('a document that a rule of the collection forbids is a row that is refused', async () => {
  const { db } = serverOf({
    insert: () => ({ ok: 1, writeErrors: [{ index: 1, code: 121, errmsg: 'Document failed validation' }] }),
  });
  expect(await write(db, [aLog(1), aLog(2)])).toEqual([
    { index: 1, reason: 'DocumentValidationFailure: Document failed validation' },
  ]);
});

test('of summaries that are there, those that are older are replaced under a condition', async () => {
  const { db, asked } = serverOf({
    insert: () => ({ ok: 1, writeErrors: [{ index: 0, code: 11000, errmsg: '', keyPattern: { _id: 1 } }] }),
  });
  const rows = [aSummary(1, { version: 4 }), aSummary(1, { version: 7 }), aSummary(2)];
  expect(await write(db, rows, 'summary')).toEqual([]);
  const [insert, update] = asked;
  expect((insert!['documents'] as Document[]).map(({ version }) => version as unknown)).toEqual([7, 1]);
  const [only, ...more] = update!['updates'] as { q: Document; u: Document; upsert: boolean }[];
  expect(more).toEqual([]);
  expect([only!.upsert, only!.q['_id'], only!.u['version']]).toEqual([false, 'T1', 7]);
  expect(only!.q['$or']).toEqual([
    { created_at: { $gt: only!.u['created_at'] } },
    { created_at: only!.u['created_at'], version: { $lt: 7 } },
  ]);
});

test.each([
  ['a primary that steps down', { ok: 1, writeErrors: [{ index: 0, code: 11602, errmsg: '' }] }],
  [
    'not yet on most members',
    { ok: 1, writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } },
  ],
  ['not the primary', refusal(10107)],
  ['a full disk', refusal(14031)],
  ['a code that nobody knows', refusal(424_242)],
])('%s: the batch comes again', async (_what, answer) => {
  await expect(write(serverOf({ insert: () => answer }).db, [aLog(1)])).rejects.toThrow(RetriableError);
});

test.each(Object.entries(FATAL_CODES))('code %s ends the process in words', async (code, { words }) => {
  const failed = write(serverOf({ insert: () => refusal(Number(code)) }).db, [aLog(1)]);
  await expect(failed).rejects.toThrow(FatalError);
  await expect(failed).rejects.toThrow(words);
  expect(ROW_CODES[Number(code)]).toBeUndefined();
});

test('a bug stays one', async () => {
  await expect(write(serverOf({ insert: () => new TypeError('bug') }).db, [aLog(1)])).rejects.toThrow(
    TypeError,
  );
});

test('a retention that was changed takes effect; an index of the same fields under another name does as well', async () => {
  const { db, asked } = serverOf({
    createIndexes: ({ indexes }) => {
      const [{ name }] = indexes as [{ name: string }];
      return name === 'expires' || name === 'by_status' ? refusal(85) : { ok: 1 };
    },
  });
  const retention = { log: 3600, summary: 7200, dead_letter: 1800 };
  await openCollections({ db, retention, msMax: 1000, logger: silentLogger() }, never);
  expect(asked.filter((command) => 'collMod' in command)).toEqual([
    { collMod: 'tracking_log', index: { keyPattern: { ingest_time: 1 }, expireAfterSeconds: 3600 } },
    { collMod: 'transaction_summary', index: { keyPattern: { updated_at: 1 }, expireAfterSeconds: 7200 } },
    { collMod: 'dead_letter', index: { keyPattern: { ingest_time: 1 }, expireAfterSeconds: 1800 } },
  ]);
});
