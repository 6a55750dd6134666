import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import * as v from 'valibot';
import { systemClock } from '../common/clock.ts';
import { createFlowFinder, flowsEntries } from '../common/flow.ts';
import { partitionOf } from '../common/partition.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { createKeys } from '../common/redis/keys.ts';
import { testRedisConfig } from '../common/testing/redis-config.ts';
import { startRedis } from '../common/testing/redis-server.ts';
import type { TestRedis } from '../common/testing/redis-server.ts';
import { encodeRecord } from '../processor/stored-record.ts';
import { applyDeadline, applyLogs } from '../processor/transaction-record.ts';
import type { Change } from '../processor/transaction-record.ts';
import { fromRedis } from './transaction-lookup.ts';

/** What Redis remembers of a transaction is told as it was published, whatever the time is here. */

const HOUR_MS = 3_600_000;
const PARTITIONS = 4;
const keys = createKeys('tranweave');
const flows = v.parse(v.object(flowsEntries), {
  flows: [{ interface: 'order', steps: ['send', 'receive'], deadline: '1h' }],
});

let server: TestRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
});
beforeEach(() => redis.flushall());
afterAll(() => server.stop());

/** As the processor leaves it after its first log, which was collected two hours ago. */
function begun(): Change {
  const log = {
    transaction_id: 'T1',
    interface_id: 'order',
    step: 'send',
    status: 'succeeded',
    event_time: '2026-01-31T09:15:00.000000Z',
    event_id: 'E1',
  } as const;
  const at = [systemClock.now() - 2 * HOUR_MS];
  return applyLogs(undefined, { logs: [log], at }, createFlowFinder(flows))!;
}

/** What is told of it when that is what Redis holds. */
async function told({ record }: Change) {
  await redis.set(keys.transaction(partitionOf('T1', PARTITIONS), 'T1'), encodeRecord(record));
  return fromRedis(redis, { ...flows, redis: testRedisConfig(server), partitions: PARTITIONS }, 'T1');
}

test('a deadline that has passed by the clock alone makes nothing late: what came in time may be waiting to be merged', async () => {
  const change = begun();
  expect(change.summary).toMatchObject({ status: 'in_progress', late: false, version: 1 });
  expect(await told(change)).toEqual(change.summary);
});

test('a deadline that the processor has passed is told', async () => {
  const change = applyDeadline(begun().record, createFlowFinder(flows), systemClock.now())!;
  expect(change.summary).toMatchObject({ status: 'timed_out', late: true, version: 2 });
  expect(await told(change)).toEqual(change.summary);
});

test('one that Redis does not remember', async () => {
  const config = { ...flows, redis: testRedisConfig(server), partitions: PARTITIONS };
  expect(await fromRedis(redis, config, 'T2')).toBeUndefined();
});
