import fc from 'fast-check';
import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FencedError, RetriableError } from '../../common/errors.ts';
import { partitionOf } from '../../common/partition.ts';
import { insightSchema } from './config.ts';
import type { InsightConfig } from './config.ts';
import { aRevision, INSIGHT, plainly, revisionsArbitrary, T0 } from './fixture.ts';
import { batchOf, createLab } from './lab.ts';
import type { Lab } from './lab.ts';

const HOUR = 3_600_000;
const never = new AbortController().signal;
const insightOf = (more: object = {}): InsightConfig => v.parse(insightSchema, { ...INSIGHT, ...more });

let lab: Lab;
beforeAll(async () => {
  lab = await createLab();
});
beforeEach(() => lab.reset());
afterAll(() => lab[Symbol.asyncDispose]());

/** As plainly names and writes them. */
async function published(name = 'orders') {
  const rows = await lab.rows(name);
  return new Map(
    rows.map(({ window_start, customer, region, unusable, ...row }) => {
      const hour = new Date(window_start as string).toISOString().slice(0, 13);
      const { window_end: _e, over_bound: _o, state: _s, revision: _r, updated_at: _u, ...numbers } = row;
      const count = (unusable as Record<string, number>)['revenue'] ?? 0;
      return [JSON.stringify([hour, customer, region]), { ...numbers, unusable: count }];
    }),
  );
}

const sorted = (rows: ReadonlyMap<string, object>) => [...rows].sort(([a], [b]) => (a < b ? -1 : 1));

test('any split into batches, with any repetition, gives on Redis what the newest revisions give', async () => {
  const insight = insightOf();
  await fc.assert(
    fc.asyncProperty(revisionsArbitrary, fc.infiniteStream(fc.nat(9)), async (rows, chance) => {
      await lab.reset();
      const draw = () => chance.next().value as number;
      const sinks = [lab.sink(2, insight), lab.sink(2, insight)];
      for (const sink of sinks) await sink.open(never);
      for (const partition of [0, 1]) {
        const here = rows.filter((row) => Number(row.transaction_id?.slice(2)) % 2 === partition);
        for (let at = 0, number = 0, size = 0; at < here.length; at += size, number += 1) {
          size = 1 + draw();
          const batch = batchOf(
            partition,
            `token ${number}`,
            T0 + HOUR + number,
            here.slice(at, at + size),
            1 + at,
          );
          // Once, or again by another process, or by both at once.
          const repeated = draw() < 3 ? sinks : [sinks[draw() % 2]!];
          await Promise.all(repeated.map((sink) => sink.write(batch, never)));
          if (draw() === 0) await sinks[0]!.write(batch, never);
          if (draw() === 0) await lab.combine(2, insight);
        }
      }
      await lab.combine(2, insight);
      expect(sorted(await published())).toEqual(sorted(plainly(rows)));
    }),
    { numRuns: 25 },
  );
});

test('a batch of a process that has lost its lane changes nothing', async () => {
  const insight = insightOf();
  const sink = lab.sink(1, insight);
  await sink.open(never);
  await sink.write(batchOf(0, 'a', T0 + HOUR, [aRevision({})], 7), never);
  await expect(
    sink.write(batchOf(0, 'b', T0 + HOUR, [aRevision({ transaction_id: 'T-2' })], 6), never),
  ).rejects.toThrow(FencedError);
  await lab.combine(1, insight);
  expect((await lab.rows('orders')).map((row) => row['transactions'])).toEqual([1]);
});

test('a group that everybody has left is gone from the lookup, and told of on the stream', async () => {
  const insight = insightOf();
  const sink = lab.sink(1, insight);
  await sink.open(never);
  await sink.write(
    batchOf(0, 'a', T0, [aRevision({ business_keys: { customer: 'C-1', amount: '5' } })]),
    never,
  );
  await lab.combine(1, insight);
  await sink.write(
    batchOf(0, 'b', T0, [aRevision({ business_keys: { customer: 'C-2', amount: '5' }, version: 2 })]),
    never,
  );
  await lab.combine(1, insight);
  const lookup = lab.keys.insightLookup('orders', '2026-03-02T09:00:00+09:00');
  expect(Object.keys(await lab.redis.hgetall(lookup)).sort()).toEqual(['@generation', '@state', 'C-2|']);
  const messages = await lab.redis.xrange(lab.keys.insightStream('orders'), '-', '+');
  const told = messages.map(
    ([, fields]) =>
      Object.fromEntries(fields.flatMap((f, i) => (i % 2 ? [] : [[f, fields[i + 1]]]))) as Record<
        string,
        string
      >,
  );
  expect(
    told.map(({ customer, transactions, revenue }) => `${customer} ${transactions} ${revenue}`).sort(),
  ).toEqual(['C-1 0 0.00', 'C-1 1 5.00', 'C-2 1 5.00']);
});

test('another definition begins anew, and whoever counts by the former counts nothing more', async () => {
  const before = insightOf();
  const after = insightOf({ measures: { orders: 'count', total: { sum: 'key.amount' } } });
  const [older, newer] = [lab.sink(1, before), lab.sink(1, after)];
  await older.open(never);
  await older.write(batchOf(0, 'a', T0, [aRevision({})]), never);
  await lab.combine(1, before);
  await newer.open(never);
  await expect(older.write(batchOf(0, 'b', T0, [aRevision({ version: 2 })]), never)).rejects.toThrow(
    RetriableError,
  );
  await newer.write(
    batchOf(0, 'b', T0, [aRevision({ version: 2, business_keys: { customer: 'C-9' } })]),
    never,
  );
  await lab.combine(1, after);
  // The former generation's row is gone from the lookup: its numbers meant something else.
  expect((await lab.rows('orders')).map(({ customer, total }) => [customer, total])).toEqual([
    ['C-9', '0.000000'],
  ]);
  expect(new Set((await lab.redis.keys('*insight:orders:*')).map((key) => key.split(':')[4]))).toHaveProperty(
    'size',
    1,
  );
});

test('after a flush of Redis the same processes go on', async () => {
  const insight = insightOf();
  const sink = lab.sink(1, insight);
  await sink.open(never);
  await sink.write(batchOf(0, 'a', T0, [aRevision({})]), never);
  await lab.reset();
  await sink.write(batchOf(0, 'b', T0, [aRevision({ transaction_id: 'T-2' })]), never);
  await lab.combine(1, insight);
  expect((await lab.rows('orders')).map((row) => row['transactions'])).toEqual([1]);
});

test('a row that is no summary is refused', async () => {
  const sink = lab.sink(1, insightOf());
  await sink.open(never);
  const { refused } = await sink.write(batchOf(0, 'a', T0, [aRevision({}), '["T-9"]']), never);
  expect(refused).toEqual([{ index: 1, reason: 'has no transaction_id, version and created_at' }]);
});

test('when the number of partitions is changed, transactions are taken out where they are now', async () => {
  const insight = insightOf();
  await fc.assert(
    fc.asyncProperty(
      revisionsArbitrary,
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 4 }),
      async (rows, layouts) => {
        await lab.reset();
        // Each revision comes in one of the layouts, in their order.
        const size = Math.ceil(rows.length / layouts.length);
        const ordered = rows.toSorted((a, b) => (a.version ?? 0) - (b.version ?? 0));
        for (const [step, partitions] of layouts.entries()) {
          const sink = lab.sink(partitions, insight);
          await sink.open(never);
          if (step > 0) await lab.combine(partitions, insight);
          for (let partition = 0; partition < partitions; partition += 1) {
            const here = ordered
              .slice(step * size, (step + 1) * size)
              .filter((row) => partitionOf(row.transaction_id ?? '', partitions) === partition);
            if (here.length > 0) await sink.write(batchOf(partition, `step ${step}`, T0 + HOUR, here), never);
          }
          await lab.combine(partitions, insight);
        }
        expect(sorted(await published())).toEqual(sorted(plainly(rows)));
      },
    ),
    { numRuns: 15 },
  );
});

test('nothing is counted before transactions are remembered in their new partitions', async () => {
  const insight = insightOf();
  await lab.sink(1, insight).open(never);
  const sink = lab.sink(2, insight);
  await sink.open(never);
  const batch = batchOf(1, 'a', T0, [aRevision({})]);
  await expect(sink.write(batch, never)).rejects.toThrow(RetriableError);
  await lab.combine(2, insight);
  await sink.write(batch, never);
});
