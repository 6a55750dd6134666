import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FencedError } from '../common/errors.ts';
import { createFlowFinder, flowsEntries } from '../common/flow.ts';
import type { MergeLog } from '../common/merge.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { PROCESSOR_GROUP } from '../common/redis/groups.ts';
import { createKeys } from '../common/redis/keys.ts';
import { startRedis } from '../common/testing/redis-server.ts';
import type { TestRedis } from '../common/testing/redis-server.ts';
import { processorConfigSchema } from './config.ts';
import { createSummaryStore } from './summary-store.ts';
import { applyLogs } from './transaction-record.ts';
import type { TransactionRecord } from './transaction-record.ts';

const AT = 1_769_850_000_000;
const keys = createKeys('t');
const claim = keys.claim(0, PROCESSOR_GROUP);
const findFlow = createFlowFinder(
  v.parse(v.object(flowsEntries), { flows: [{ interface: 'order', steps: ['send', 'hub', 'receive'] }] }),
);
let server: TestRedis;
let redis: RedisClient;

beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
});
afterAll(() => server.stop());

function changeBy(step: string, known?: TransactionRecord) {
  const log: MergeLog = {
    transaction_id: 'T1',
    interface_id: 'order',
    step,
    status: 'succeeded',
    event_time: '2026-01-31T09:15:00.000000Z',
    event_id: `T1/${step}`,
  };
  return applyLogs(known, { logs: [log], at: [AT] }, findFlow)!;
}

test('after a commit that failed a transaction is what Redis holds, and not what it would have become', async () => {
  const config = v.parse(processorConfigSchema, {});
  const store = createSummaryStore({ redis, keys, config, partition: 0, token: 'mine' }, 100);
  const stepsOf = async () => (await store.load(['T1'])).get('T1')?.state.steps.map(({ step }) => step);
  await redis.set(claim, 'mine');
  expect(await store.prepare({ changes: [changeBy('send')] })()).toBe('ok');

  const known = (await store.load(['T1'])).get('T1');
  const change = changeBy('hub', known);
  await redis.set(claim, 'of another');
  await expect(store.prepare({ changes: [change] })()).rejects.toThrow(FencedError);
  expect(await stepsOf()).toEqual(['send']);

  await redis.set(claim, 'mine');
  const again = changeBy('hub', (await store.load(['T1'])).get('T1'));
  expect(again.summary).toMatchObject({ version: 2, steps_finished: 2 });
  expect(await store.prepare({ changes: [again] })()).toBe('ok');
  expect(await stepsOf()).toEqual(['hub', 'send']);
});
