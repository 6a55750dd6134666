import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FencedError } from '../../common/errors.ts';
import { mongoServer } from '../../common/testing/mongodb.ts';
import { until } from '../../common/testing/until.ts';
import type { Sink } from '../sink.ts';
import { aLog, aSummary } from '../testing/rows.ts';
import { openLab } from '../testing/worker.ts';
import type { Lab } from '../testing/worker.ts';
import { COLLECTIONS } from './collections.ts';
import { openMongo } from './fixture.ts';
import type { MongoFixture } from './fixture.ts';

/** Redis to MongoDB, both real: whatever is lost or taken over on the way, counts and sums are exact. */

describe.skipIf(mongoServer === undefined)('stored once, although', () => {
  let lab: Lab;
  let mongo: MongoFixture;
  beforeAll(async () => {
    [lab, mongo] = await Promise.all([openLab(), openMongo()]);
  });
  beforeEach(async () => {
    await lab.reset();
    for (const { name } of Object.values(COLLECTIONS)) await mongo.server.db.collection(name).deleteMany({});
  });
  afterAll(async () => {
    await Promise.all([lab[Symbol.asyncDispose](), mongo[Symbol.asyncDispose]()]);
  });

  const logs = (n: number, from = 0) => Array.from({ length: n }, (_, i) => aLog(from + i));
  const stored = async () => {
    const documents = await mongo.documents('log');
    const sum = documents.reduce((total, document) => total + Number(document['record_count']), 0);
    return { n: documents.length, sum };
  };
  const exactly = (n: number) => ({ n, sum: (n * (n - 1)) / 2 });

  test('the answers of inserts are lost', async () => {
    await lab.append('log', logs(500));
    // The first connection's greeting is not what is to be lost.
    await mongo.sink.open(new AbortController().signal);
    const before = mongo.proxy.lost();
    mongo.proxy.loseAnswers(2);
    const worker = await lab.work(mongo.sink);
    await lab.caughtUp();
    expect([await stored(), mongo.proxy.lost() - before]).toEqual([exactly(500), 2]);
    await worker.stop();
  });

  test('the worker lost its claim between the write and the commit, and another took over', async () => {
    await lab.append('log', logs(300));
    let written = () => {};
    const isWritten = new Promise<void>((resolve) => (written = resolve));
    let wake = () => {};
    const asleep = new Promise<void>((resolve) => (wake = resolve));
    const write: Sink['write'] = async (batch, signal) => {
      const result = await mongo.sink.write(batch, signal);
      written();
      await asleep;
      return result;
    };
    const sleeper = await lab.work({ ...mongo.sink, write });
    await isWritten;
    await sleeper.lose();
    await lab.append('log', logs(300, 300));
    const other = await lab.work(mongo.sink, { replica: 'b' });
    await lab.caughtUp();
    wake();
    await expect(sleeper.done).rejects.toThrow(FencedError);
    expect(await stored()).toEqual(exactly(600));
    await other.stop();
  });

  test('a stale owner writes its summaries after the newer ones', async () => {
    const revision = (version: number) => Array.from({ length: 30 }, (_, i) => aSummary(i, { version }));
    await lab.append('summary', revision(1));
    let begun = () => {};
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    let wake = () => {};
    const asleep = new Promise<void>((resolve) => (wake = resolve));
    const write: Sink['write'] = async (batch, signal) => {
      begun();
      await asleep;
      return mongo.sink.write(batch, signal);
    };
    const sleeper = await lab.work({ ...mongo.sink, write }, { kind: 'summary' });
    await hasBegun;
    await sleeper.lose();
    await lab.append('summary', revision(2));
    const other = await lab.work(mongo.sink, { replica: 'b', kind: 'summary' });
    await lab.caughtUp('summary');
    wake();
    await expect(sleeper.done).rejects.toThrow(FencedError);
    const versions = (await mongo.documents('summary')).map((document) => document['version'] as unknown);
    expect(versions).toEqual(Array(30).fill(2));
    await other.stop();
  });

  test('the store was away in between', async () => {
    mongo.proxy.setAway(true);
    await lab.append('log', logs(100));
    const worker = await lab.work(mongo.sink);
    await until('it is in trouble', () => worker.troubles.length > 0);
    await lab.append('log', logs(100, 100));
    mongo.proxy.setAway(false);
    await lab.caughtUp();
    expect(await stored()).toEqual(exactly(200));
    await worker.stop();
  });
});
