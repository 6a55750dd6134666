import fc from 'fast-check';
import { rowFromLine } from '../../common/wire-row.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAppender } from '../../collector/append.ts';
import type { PositionedOutcome } from '../../collector/append.ts';
import { FatalError } from '../../common/errors.ts';
import { BackPressureError } from '../../common/errors.ts';
import { ensureGroups, PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import { joinDeployment } from '../../common/redis/deployment.ts';
import { GUARD_CHANGING } from '../../common/redis/partition-change.ts';
import { createStreamReader } from '../../common/redis/stream-reader.ts';
import { createFixture, keys, refuse } from './fixture.ts';
import type { Fixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture();
});
afterAll(() => fixture.end());

const ROWS = 60;

const rows = (from: number, to: number): PositionedOutcome[] =>
  Array.from({ length: to - from }, (_, i) => ({
    outcome: {
      kind: 'log',
      log: {
        event_id: `e${from + i}`,
        transaction_id: `T${from + i}`,
        step: 'send',
        branch: '',
        attempt: 1,
        status: 'succeeded',
        event_time: '2026-01-31T09:15:00.000000Z',
        ingest_time: '2026-01-31T09:15:01.000000Z',
        channel: 'file',
        input: 'in',
        business_keys: {},
      },
    },
    end: (from + i + 1) * 10,
  }));

const appenderFor = (partitions: number) =>
  createAppender({ redis: fixture.redis, keys, partitions, streamEntriesMax: 10_000, pendingBytesMax: 1e6 });

/** Reads as processors do: every group is at its end afterwards. Returns the event ids that came. */
async function takeAll(partitions: number): Promise<string[]> {
  const { redis } = fixture;
  const ids: string[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const stream = keys.stream(partition, 'log');
    for (const entry of await createStreamReader(redis, stream, 'log', 1e9).range('-', '+')) {
      const lines = entry.body.toString().trimEnd().split('\n');
      ids.push(...lines.map((line) => String(rowFromLine('log', line).row?.['event_id'])));
    }
    await redis.xgroup('SETID', stream, PROCESSOR_GROUP, '$');
    await redis.xtrim(stream, 'MAXLEN', 0);
  }
  return ids;
}

test('a source whose last batch reached only some partitions before each of several changes gives every row once', async () => {
  const stage = fc.record({
    partitions: fc.integer({ min: 1, max: 7 }),
    // Records that one batch has, and which partitions it does not reach; the next stage begins anew at the low-water mark.
    batches: fc.array(fc.integer({ min: 1, max: 15 }), { maxLength: 3 }),
    cut: fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(stage, { minLength: 2, maxLength: 5 }), async (stages) => {
      const { redis, change } = fixture;
      await redis.flushall();
      const [first] = stages;
      await joinDeployment(redis, keys, first!.partitions);
      await ensureGroups(redis, keys, first!.partitions, [], refuse);
      const came: string[] = [];
      let inForce = first!.partitions;
      for (const { partitions, batches, cut } of stages) {
        if (partitions !== inForce) await change(partitions);
        inForce = partitions;
        const source = await appenderFor(partitions).openSource('in', 'file');
        let at = source.lowWater / 10;
        for (const [index, count] of batches.entries()) {
          const end = Math.min(ROWS, at + count);
          const isLast = index === batches.length - 1;
          // As a change shuts them, while a batch is on its way.
          const shut = isLast ? cut.filter((partition) => partition < partitions) : [];
          for (const partition of shut) await redis.set(keys.guard(partition), GUARD_CHANGING);
          await source.append(rows(at, end), end * 10).catch((error: unknown) => {
            expect(error).toBeInstanceOf(BackPressureError);
          });
          for (const partition of shut) await redis.set(keys.guard(partition), String(partitions));
          at = end;
        }
        came.push(...(await takeAll(partitions)));
      }
      const last = await appenderFor(inForce).openSource('in', 'file');
      await last.append(rows(last.lowWater / 10, ROWS), ROWS * 10);
      came.push(...(await takeAll(inForce)));
      expect(came.sort()).toEqual(
        rows(0, ROWS)
          .map((_, i) => `e${i}`)
          .sort(),
      );
      expect(await redis.exists(keys.formerPositions())).toBe(0);
    }),
    { numRuns: 60 },
  );
}, 120_000);

test('a collector that was started with the number before is refused, and says what to do', async () => {
  const { redis, change } = fixture;
  await redis.flushall();
  await joinDeployment(redis, keys, 4);
  await ensureGroups(redis, keys, 4, [], refuse);
  const old = appenderFor(4);
  const source = await old.openSource('in', 'file');
  await source.append(rows(0, 30), 300);
  await takeAll(4);
  await change(2);
  const append = old.append(rows(30, 60).map(({ outcome }) => outcome));
  await expect(append).rejects.toBeInstanceOf(FatalError);
  await expect(append).rejects.toThrow(
    'has 2 partitions now, but this process was started with 4: set `partitions: 2`',
  );
  await expect(source.append(rows(30, 60), 600)).rejects.toBeInstanceOf(FatalError);
  // Also in the partitions that are no more.
  for (let partition = 0; partition < 4; partition += 1) {
    expect(await redis.xlen(keys.stream(partition, 'log'))).toBe(0);
  }
  await appenderFor(2).append(rows(0, 1).map(({ outcome }) => outcome));
});
