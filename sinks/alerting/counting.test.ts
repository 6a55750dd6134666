import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FencedError } from '../../common/errors.ts';
import { createFlowFinder } from '../../common/flow.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { ensureGroup, PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import { createKeys } from '../../common/redis/keys.ts';
import type { StreamKind } from '../../common/redis/keys.ts';
import { millisOfId } from '../../common/redis/stream-id.ts';
import { encodeEntries } from '../../common/stream-entry.ts';
import type { StreamEntry } from '../../common/stream-entry.ts';
import type { Summary } from '../../common/summary.ts';
import { summaryToLine } from '../../common/summary-row.ts';
import { startRedis } from '../../common/testing/redis-server.ts';
import type { TestRedis } from '../../common/testing/redis-server.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import type { SinkBatch } from '../sink.ts';
import { aDeadLetter, aSummary } from '../testing/rows.ts';
import { createBucketStore } from './bucket-store.ts';
import { slowBounds } from './count-batch.ts';
import { createCounting } from './counting.ts';
import { alertsConfig, endOf, RESOLUTION, START } from './testing/buckets.ts';

/** What comes of batches in a real Redis: each counted once, in the bucket where it belongs. */

const keys = createKeys('tranweave');
const GROUP = 'sink:alerts';
let server: TestRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
});
afterAll(() => server.stop());
beforeEach(() => redis.flushall());

const { rules } = alertsConfig({
  rules: [{ name: 's', type: 'slow', longer_than: '30s', where: { interface: 'order' } }],
});
const findFlow = createFlowFinder({
  default_flow: {
    steps: [
      { step: 'send', optional: false },
      { step: 'receive', optional: false, branches: ['shop', 'wms'] },
    ],
  },
  flows: [],
});
const newCounting = (bucketMs = RESOLUTION) =>
  createCounting({
    redis,
    keys,
    keptMs: 3_600_000,
    settings: { bucketMs, findFlow, slow: slowBounds(rules) },
  });
const store = () => createBucketStore(redis, keys, RESOLUTION);

/** Revisions of summaries, and what their transactions were before. */
type Revision = Partial<Summary> & { was: Summary['status'] | '' };

function batch(place: number, revisions: readonly Revision[], more: Partial<SinkBatch> = {}): SinkBatch {
  const at = START + place * RESOLUTION + 5;
  const rows = revisions.map(({ was, ...summary }, i) => ({
    line: summaryToLine(aSummary(i, { created_at: timestampFromMillis(at), ...summary })),
    was,
  }));
  return ofEntries('summary', at, encodeEntries(rows), more);
}

function ofEntries(
  stream: StreamKind,
  at: number,
  encoded: ReturnType<typeof encodeEntries>,
  more: Partial<SinkBatch>,
): SinkBatch {
  const entries: StreamEntry[] = encoded.map(({ body, rows, was }, i) => ({
    id: `${at}-${i}`,
    rows,
    body: Buffer.from(body),
    fields: [],
    ...(was === undefined ? {} : { was }),
  }));
  const chunks = entries.map(({ body }) => body);
  return {
    stream,
    partition: 0,
    fence: 1,
    token: `${at}`,
    repeated: false,
    entries,
    chunks,
    rows: 0,
    bytes: 0,
    ...more,
  };
}

const failedStep = (step: string, error_code: string, branch = '') => ({
  ...aSummary(1).steps[0]!,
  step,
  branch,
  status: 'failed' as const,
  error_code,
  error_message: 'no route',
});
const failed = (id: string, was: Revision['was'] = 'in_progress', code = 'E1'): Revision => ({
  transaction_id: id,
  status: 'failed',
  steps: [failedStep('hub', code)],
  was,
});

/** A bucket's counts as `kind labels/bin n`. */
async function counted(place: number): Promise<string[]> {
  const [bucket] = await store().read(START + place * RESOLUTION, START + (place + 1) * RESOLUTION, 1);
  return [
    ...bucket!.counts.map(({ kind, labels, n }) => `${kind} ${Object.values(labels).join('/')} ${n}`),
    ...bucket!.cleared.map(
      ({ kind, labels, n, bucket: of }) =>
        `cleared ${kind} ${Object.values(labels).join('/')} ${n} of ${(of - START) / RESOLUTION}`,
    ),
  ].sort();
}

test('each change of a status is counted, with what an operator wants to see of failures', async () => {
  const count = newCounting();
  await count(
    batch(0, [
      { was: '', status: 'in_progress', transaction_id: 'A' },
      failed('B', ''),
      failed('C'),
      failed('D', 'in_progress', 'E2'),
      // The same again is no change.
      failed('C', 'failed'),
      {
        was: 'in_progress',
        status: 'completed',
        duration_ms: 40_000,
        steps: [{ ...aSummary(1).steps[0]!, queue_ms: 20 }],
      },
      { was: 'in_progress', status: 'timed_out', transaction_id: 'F' },
    ]),
  );
  expect(await counted(0)).toEqual([
    'came order 2',
    'completed order 1',
    'duration order 1',
    'failed order/hub//E1 2',
    'failed order/hub//E2 1',
    'queue order/send 1',
    'slow order/30000 1',
    // The first branch of the flow that nothing was heard of.
    'timed_out order/receive/shop 1',
  ]);
  const [bucket] = await store().read(START, START + RESOLUTION, 1);
  expect(bucket!.counts.find(({ labels }) => labels['error_code'] === 'E1')).toMatchObject({
    detail: { message: 'no route', target: 'wms', samples: ['B', 'C'], first_at: START + 5 },
    last_at: START + 5,
  });
});

test('what is begun counts by when it was collected, what becomes of it by when that was published', async () => {
  await newCounting()(
    batch(7, [{ ...failed('A', ''), created_at: timestampFromMillis(START + 2 * RESOLUTION) }]),
  );
  expect([await counted(2), await counted(7)]).toEqual([['came order 1'], ['failed order/hub//E1 1']]);
});

test('a failure that is cleared is taken off where it was counted, by whoever counts then', async () => {
  await newCounting()(batch(0, [failed('A'), failed('B')]));
  const { was: _, ...mended } = failed('A');
  const completed = { ...mended, status: 'completed' as const, steps: [], was: 'failed' as const };
  await newCounting()(batch(3, [completed, { ...completed, transaction_id: 'never-counted' }]));
  expect(await counted(3)).toEqual(['cleared failed order/hub//E1 1 of 0', 'completed order 2']);
});

describe('exactly once', () => {
  test('a batch that comes again changes nothing, also for another process', async () => {
    await newCounting()(batch(0, [failed('A')]));
    await newCounting()(batch(0, [failed('A')], { fence: 2, repeated: true }));
    expect(await counted(0)).toEqual(['failed order/hub//E1 1']);
  });

  test('who has lost the stream counts nothing any more', async () => {
    await newCounting()(batch(0, [failed('A')], { fence: 2 }));
    await expect(newCounting()(batch(1, [failed('B')], { fence: 1 }))).rejects.toThrow(FencedError);
    expect(await counted(1)).toEqual([]);
  });

  test('streams of a partition do not know of each other', async () => {
    const count = newCounting();
    await count(batch(0, [failed('A')], { fence: 5 }));
    const letters = encodeEntries([1, 2].map((i) => ({ line: JSON.stringify(aDeadLetter(i)) })));
    await count(ofEntries('dead_letter', START + 5, letters, { fence: 1 }));
    expect(await counted(0)).toEqual(['dead_letter api/decode 2', 'failed order/hub//E1 1']);
  });
});

test('what cannot be read is refused by its place in the batch', async () => {
  const good = encodeEntries([{ line: summaryToLine(aSummary(1)), was: '' as const }])[0]!;
  const bad = { rows: 1, body: 'no JSON\n', was: '-' };
  expect(await newCounting()(ofEntries('summary', START + 5, [good, bad, good], {}))).toEqual([
    { index: 1, reason: expect.stringContaining('is not JSON') as string },
  ]);
  expect(await counted(0)).toEqual(['came order 2']);
});

test('a bucket tells only so much apart; the rest is counted all the same', async () => {
  const many = Array.from({ length: 6000 }, (_, i) => failed(`T${i}`, 'in_progress', `E${i}`));
  await newCounting()(batch(0, many));
  const [bucket] = await store().read(START, START + RESOLUTION, 1);
  const all = bucket!.counts.reduce((sum, { n }) => sum + n, 0);
  const others = bucket!.counts.find(({ labels }) => labels['error_code'] === '(others)');
  expect([all, bucket!.counts.length <= 5001, others?.labels]).toEqual([
    6000,
    true,
    { interface: '(others)', step: '(others)', branch: '(others)', error_code: '(others)' },
  ]);
  // Failures of all of them are remembered.
  expect(await redis.hlen(keys.alertFailures(0, START))).toBe(6000);
});

describe('up to when everything is counted', () => {
  const streams = ['summary', 'dead_letter', 'log'] as const;
  const makeGroups = async () => {
    for (const kind of streams)
      await ensureGroup(redis, keys.stream(0, kind), kind === 'log' ? PROCESSOR_GROUP : GROUP);
  };
  const startOfNow = async () =>
    Math.floor((Number((await redis.time())[0]) * 1000) / RESOLUTION) * RESOLUTION;

  test('is not known before the groups are there', async () => {
    expect(await store().close(0, GROUP)).toBe(0);
  });

  test("is now, by Redis' clock, while nothing waits", async () => {
    await makeGroups();
    const before = await startOfNow();
    const closed = await store().close(0, GROUP);
    expect(closed).toBeGreaterThanOrEqual(before);
    expect(closed).toBeLessThanOrEqual(await startOfNow());
  });

  test.each(streams)(
    'is the time of the first entry of the %s stream that somebody has to take',
    async (kind) => {
      await makeGroups();
      const first = `${START + 5}-1`;
      const stream = keys.stream(0, kind);
      await redis.xadd(stream, first, 'v', '1');
      await redis.xadd(stream, `${endOf(3)}-1`, 'v', '1');
      expect(await store().close(0, GROUP)).toBe(START);
      await redis.xgroup('SETID', stream, kind === 'log' ? PROCESSOR_GROUP : GROUP, first);
      expect(await store().close(0, GROUP)).toBe(
        Math.floor(millisOfId(`${endOf(3)}-1`) / RESOLUTION) * RESOLUTION,
      );
    },
  );

  test('never goes back, and what comes for before is counted after it', async () => {
    await makeGroups();
    await redis.hset(keys.alertCounts(0), 'closed', endOf(4));
    await redis.xadd(keys.stream(0, 'summary'), `${START + 5}-1`, 'v', '1');
    expect(await store().close(0, GROUP)).toBe(endOf(4));
    await newCounting()(batch(0, [failed('A', '')]));
    expect([await counted(0), await counted(5)]).toEqual([[], ['came order 1', 'failed order/hub//E1 1']]);
  });

  test.each([15_000, 60_000])(
    'what comes for before is counted in a bucket that is read, when buckets are of %i ms now',
    async (bucketMs) => {
      await redis.hset(keys.alertCounts(0), 'closed', START + RESOLUTION);
      await newCounting(bucketMs)(batch(0, [failed('A', '')]));
      const read = await createBucketStore(redis, keys, bucketMs).read(START, START + 10 * bucketMs, 1);
      const filled = read.filter(({ counts }) => counts.length > 0);
      expect(filled.map(({ at }) => at)).toEqual([START + bucketMs]);
    },
  );
});
