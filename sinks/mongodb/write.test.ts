import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import fc from 'fast-check';
import * as v from 'valibot';
import { systemClock } from '../../common/clock.ts';
import { FatalError, RetriableError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import type { StreamKind } from '../../common/redis/keys.ts';
import { isFerret, mongoServer, startMongo } from '../../common/testing/mongodb.ts';
import { freePort } from '../../common/testing/redis-server.ts';
import { ROWS_REFUSED_MAX } from '../halving.ts';
import { createSink, sinkSchema } from '../registry.ts';
import { aDeadLetter, aLog, aSummary, batchOf } from '../testing/rows.ts';
import { COLLECTIONS } from './collections.ts';
import { openMongo } from './fixture.ts';
import type { MongoFixture } from './fixture.ts';

/** On a real server; what only MongoDB itself answers: answers.test.ts. */

const never = new AbortController().signal;

describe.skipIf(mongoServer === undefined)('MongoDB', () => {
  let mongo: MongoFixture;
  beforeAll(async () => {
    mongo = await openMongo();
  });
  beforeEach(async () => {
    for (const { name } of Object.values(COLLECTIONS)) await mongo.server.db.collection(name).deleteMany({});
  });
  afterAll(() => mongo[Symbol.asyncDispose]());

  const collection = (stream: StreamKind) => mongo.server.db.collection(COLLECTIONS[stream].name);

  test('gives logs back in their exact order, and finds them by a business key', async () => {
    const times = ['09:15:00.000002', '09:15:00.000010', '09:15:00.000', '09:15:00.001'];
    const rows = times.map((time, i) =>
      aLog(i, {
        transaction_id: 'T',
        event_time: `2026-01-31T${time}Z`,
        business_keys: { 'order.no': `SO-${i}` },
      }),
    );
    await mongo.write(batchOf('log', 'order', rows));
    const sorted = await collection('log')
      .find({ transaction_id: 'T' })
      .sort({ event_time: 1, event_time_us: 1 })
      .toArray();
    expect(sorted.map((document) => document['record_count'] as unknown)).toEqual([2, 0, 1, 3]);
    const found = await mongo.documents('log', { 'business_keys.v': 'SO-3' });
    expect(found.map((document) => document['event_id'] as unknown)).toEqual(['e3']);
  });

  test('has the indexes that questions need, made once however many open it', async () => {
    const others = Array.from({ length: 3 }, () => mongo.makeSink());
    await Promise.all(others.map((other) => other.open(never)));
    await Promise.all(others.map((other) => other.close()));
    for (const { name, indexes } of Object.values(COLLECTIONS)) {
      const made = (await mongo.server.db.collection(name).indexes()).map((index) => index.name);
      expect(new Set(made)).toEqual(
        new Set(['_id_', ...Object.keys(indexes), ...(isFerret ? [] : ['expires'])]),
      );
    }
  });

  test('keeps the truest revision, in whatever order and batches they come', async () => {
    const earlier = '2026-01-31T09:00:00.000000Z';
    const later = '2026-01-31T10:00:00.000000Z';
    const revisions = [
      { version: 1, created_at: earlier },
      { version: 2, created_at: earlier },
      { version: 3, created_at: earlier },
      { version: 9, created_at: later },
    ];
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(revisions, { minLength: 4 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
        async (shuffled, cuts) => {
          round += 1;
          const bounds = [0, ...cuts.sort((a, b) => a - b), 4];
          for (let i = 0; i + 1 < bounds.length; i += 1) {
            const rows = shuffled.slice(bounds[i], bounds[i + 1]).map((one) => aSummary(round, one));
            await mongo.write(batchOf('summary', `${round}/${i}`, rows));
          }
          const [kept, ...more] = await mongo.documents('summary', { transaction_id: `T${round}` });
          expect(more).toEqual([]);
          expect(kept).toMatchObject({ version: 3, created_at: new Date(earlier) });
        },
      ),
      { numRuns: 25 },
    );
  });

  test('is not changed by a stale batch that comes again', async () => {
    const [first, second] = [1, 2].map((version) =>
      batchOf(
        'summary',
        `v${version}`,
        Array.from({ length: 20 }, (_, i) => aSummary(i, { version })),
      ),
    );
    for (const batch of [first!, second!, first!, second!, first!]) await mongo.write(batch);
    const documents = await mongo.documents('summary');
    expect(documents.map((document) => document['version'] as unknown)).toEqual(Array(20).fill(2));
  });

  test('refuses a row that a unique index of somebody has already, and stores the others', async () => {
    const index = { node: 1 } as const;
    await collection('log').createIndex(index, { unique: true, name: 'own' });
    try {
      const rows = [aLog(1, { node: 'a' }), aLog(2, { node: 'a' }), aLog(3, { node: 'b' })];
      for (let time = 0; time < 2; time += 1) {
        const { refused } = await mongo.write(batchOf('log', 'unique', rows));
        expect(refused).toEqual([{ index: 1, reason: expect.stringMatching(/^DuplicateKey: /) as string }]);
        expect(await mongo.count('log')).toBe(2);
      }
    } finally {
      await collection('log').dropIndex('own');
    }
  });

  test('refuses what is larger than a document may be', async () => {
    const rows = [
      aDeadLetter(1),
      aDeadLetter(2, { raw_base64: 'A'.repeat(16 * 1024 * 1024) }),
      aDeadLetter(3),
    ];
    const { refused } = await mongo.write(batchOf('dead_letter', 'large', rows));
    expect(refused).toEqual([{ index: 1, reason: expect.stringMatching(/^BSONObjectTooLarge: /) as string }]);
    expect(await mongo.count('dead_letter')).toBe(2);
  });

  test('waits with a batch of which most would be refused: the sinks are older than what wrote it', async () => {
    const rows = (n: number) =>
      Array.from({ length: n }, (_, i) => ({ ...aDeadLetter(i), field_of_2030: 1 }));
    const { refused } = await mongo.write(batchOf('dead_letter', 'some', rows(ROWS_REFUSED_MAX)));
    expect(refused).toHaveLength(ROWS_REFUSED_MAX);
    expect(refused[0]!.reason).toContain('field_of_2030');
    await expect(mongo.write(batchOf('dead_letter', 'all', rows(ROWS_REFUSED_MAX + 1)))).rejects.toThrow(
      RetriableError,
    );
  });

  test('takes a batch of more rows than one command has', async () => {
    const rows = Array.from({ length: 5_500 }, (_, i) => aLog(i));
    await mongo.write(batchOf('log', 'many', rows));
    expect(await mongo.count('log')).toBe(5_500);
  });

  test('that does not answer is given up when told to, and after its time', async () => {
    mongo.proxy.setSilent(true);
    try {
      const stop = new AbortController();
      const stopped = mongo.makeSink();
      const writing = stopped.write(batchOf('log', 'silent', [aLog(1)]), stop.signal);
      setTimeout(() => stop.abort(), 50);
      await expect(writing).rejects.toThrow('given up');
      const impatient = mongo.makeSink({ request_timeout: '1s' });
      await expect(impatient.write(batchOf('log', 'silent', [aLog(1)]), never)).rejects.toThrow(
        RetriableError,
      );
      await Promise.all([stopped.close(), impatient.close()]);
    } finally {
      mongo.proxy.setSilent(false);
    }
  });

  test('that is not there is waited for; a url that cannot be read ends the process in words', async () => {
    const nowhere = mongo.makeSink({ url: `mongodb://127.0.0.1:${await freePort()}`, request_timeout: '1s' });
    await expect(nowhere.open(never)).rejects.toThrow(RetriableError);
    await nowhere.close();
    const wrong = mongo.makeSink({ url: 'mongodb://127.0.0.1:27017/?noSuchOption=1' });
    await expect(wrong.open(never)).rejects.toThrow(FatalError);
    await wrong.close();
  });
});

test.skipIf(!isFerret)('a wrong password ends the process in words, the right one works', async () => {
  const user = { username: 'tranweave', password: 'right' };
  await using server = await startMongo({ user });
  const sinkOf = (password: string) => {
    const settings = { type: 'mongodb', name: 'store', url: server.url, database: server.database };
    const config = v.parse(sinkSchema, { ...settings, ...user, password });
    return createSink(config, { name: 'store', clock: systemClock, logger: silentLogger() });
  };
  const right = sinkOf('right');
  await right.open(never);
  expect(await right.write(batchOf('log', 'auth', [aLog(1)]), never)).toEqual({ refused: [] });
  const wrong = sinkOf('wrong');
  await expect(wrong.open(never)).rejects.toThrow(/^MongoDB refuses the user or password/);
  await expect(wrong.open(never)).rejects.toThrow(FatalError);
  await Promise.all([right.close(), wrong.close()]);
});
