import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFlowFinder, flowsEntries } from '../common/flow.ts';
import type { MergeLog } from '../common/merge.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { PROCESSOR_GROUP } from '../common/redis/groups.ts';
import { createKeys } from '../common/redis/keys.ts';
import { startRedis } from '../common/testing/redis-server.ts';
import type { TestRedis } from '../common/testing/redis-server.ts';
import { runCommit, wordsOf } from './commit.ts';
import type { CommitBatch } from './commit.ts';
import { processorConfigSchema } from './config.ts';
import { decodeRecord } from './stored-record.ts';
import { applyLogs } from './transaction-record.ts';
import type { Change, TransactionRecord } from './transaction-record.ts';

const keys = createKeys('t');
const findFlow = createFlowFinder(
  v.parse(v.object(flowsEntries), {
    flows: [{ interface: 'order', steps: ['send', 'receive'], deadline: '10h' }],
  }),
);
const HOUR = 3_600_000;
const AT = 1_769_850_000_000;
const config = v.parse(processorConfigSchema, { finished_retention: '1h', open_retention: '2h' });
/** More than one call of a command takes. */
const MANY = 2500;
let server: TestRedis;
let redis: RedisClient;

beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
  await redis.set(keys.claim(0, PROCESSOR_GROUP), 'mine');
});
afterAll(() => server.stop());

function commit(batch: CommitBatch): Promise<'ok' | 'full'> {
  return runCommit(redis, wordsOf({ keys, config, partition: 0, token: 'mine' }, batch));
}

function changeOf(id: string, step: string, status: MergeLog['status'], known?: TransactionRecord): Change {
  const log: MergeLog = {
    transaction_id: id,
    interface_id: 'order',
    step,
    status,
    event_time: '2026-01-31T09:15:00.000000Z',
    event_id: `${id}/${step}`,
  };
  return applyLogs(known, { logs: [log], at: [AT] }, findFlow)!;
}

test('every transaction gets its own record, for as long as it is to be kept, and its deadline, however many there are', async () => {
  const begun = Array.from({ length: MANY }, (_, i) =>
    // Three of them fail and wait for nothing: they are kept for less time, and are neither first nor last.
    changeOf(`T${i}`, 'send', i > 1000 && i < 1004 ? 'failed' : 'succeeded'),
  );
  expect(await commit({ changes: begun })).toBe('ok');
  for (const i of [0, 1000, 1001, 1003, 1004, MANY - 1]) {
    const key = keys.transaction(0, `T${i}`);
    expect(decodeRecord((await redis.get(key))!, key)).toStrictEqual(begun[i]!.record);
    const kept = i > 1000 && i < 1004 ? 2 * HOUR : 11 * HOUR;
    const left = await redis.pttl(key);
    expect(left).toBeLessThanOrEqual(kept);
    expect(left).toBeGreaterThan(kept - HOUR / 2);
  }
  expect(await redis.zcard(keys.deadlines(0))).toBe(MANY - 3);
  expect(await redis.zscore(keys.deadlines(0), 'T7')).toBe(String(AT + 10 * HOUR));

  // What is completed waits no more; deadlines are corrected where there is one, or taken away.
  const ended = begun
    .slice(0, 900)
    .map(({ record }) => changeOf(record.state.transaction_id, 'receive', 'succeeded', record));
  const corrections = [
    { id: 'T2000', at: AT + 5 },
    { id: 'T2001', at: undefined },
    { id: 'unknown', at: AT },
  ];
  expect(await commit({ changes: ended, corrections })).toBe('ok');
  expect(await redis.pttl(keys.transaction(0, 'T899'))).toBeLessThanOrEqual(HOUR);
  expect(await redis.zcard(keys.deadlines(0))).toBe(MANY - 3 - 900 - 1);
  expect(await redis.zscore(keys.deadlines(0), 'T2000')).toBe(String(AT + 5));
  for (const id of ['T0', 'T2001', 'unknown']) expect(await redis.zscore(keys.deadlines(0), id)).toBeNull();
});
