import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TRANSACTION_STATUSES } from '../../common/evaluate.ts';
import type { Summary, SummaryStep } from '../../common/summary.ts';
import { seededRandom } from '../../scripts/seeded-random.ts';
import { aSummary, batchOf, NOW } from '../testing/rows.ts';
import { openFixture } from './fixture.ts';
import type { ClickHouseFixture } from './fixture.ts';

/** What dashboards count must be what is there: however often a revision comes, in whatever order, and whatever it changes. */

let fixture: ClickHouseFixture;
beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(() => fixture[Symbol.asyncDispose]());

async function empty(): Promise<void> {
  for (const table of ['transaction_summary_revision', 'transaction_brief_revision'])
    await fixture.server.client.command({ query: `TRUNCATE TABLE tranweave.${table}` });
}

const rows = <T>(sql: string) => fixture.server.rows<T>(sql);
const INTERFACES = ['order', 'invoice', ''];
const STEP_STATUSES = ['started', 'succeeded', 'failed', 'skipped'] as const;
const LEVELS = [0.5, 0.95, 0.99];
/** What is promised of quantiles. */
const ACCURACY = 0.01;

/** Revisions of so many transactions, each of which changes status, interface, start, durations and steps. */
function revisionsOf(transactions: number, random: () => number): Summary[] {
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)]!;
  return Array.from({ length: transactions }, (_, i) =>
    Array.from({ length: 1 + Math.floor(random() * 5) }, (_, index): Summary => {
      const status = pick(TRANSACTION_STATUSES);
      const minute = String(Math.floor(random() * 4)).padStart(2, '0');
      return aSummary(i, {
        version: index + 1,
        status,
        interface_id: pick(INTERFACES),
        started_at: `2026-01-31T09:${minute}:3${i % 10}.000000Z`,
        duration_ms:
          status === 'completed' || status === 'failed' ? Math.round(random() ** 3 * 1e6) / 10 : null,
        late: random() < 0.2,
        steps: ['send', 'hub', 'receive'].map((step) => stepOf(step, pick(STEP_STATUSES), random)),
      });
    }),
  ).flat();
}

function stepOf(step: string, status: SummaryStep['status'], random: () => number): SummaryStep {
  const duration = status === 'started' ? null : Math.round(random() ** 2 * 1e5) / 100;
  const queue = step === 'send' ? null : Math.round((random() - 0.1) * 1e5) / 100;
  return { ...aSummary(0).steps[0]!, step, status, duration_ms: duration, queue_ms: queue };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** Batches in a random order, some twice under their token and some again under another, as after the group was moved back by hand. */
async function store(revisions: readonly Summary[], random: () => number): Promise<void> {
  const batches: { token: string; rows: Summary[] }[] = [];
  const inDisorder = shuffled(revisions, random);
  while (inDisorder.length > 0)
    batches.push({ token: `b${batches.length}`, rows: inDisorder.splice(0, 1 + Math.floor(random() * 60)) });
  const again = batches.filter(() => random() < 0.3);
  const anew = batches.filter(() => random() < 0.2).map(({ rows }, i) => ({ token: `again ${i}`, rows }));
  for (const { token, rows } of shuffled([...batches, ...again, ...anew], random))
    await fixture.write(batchOf('summary', token, rows));
}

function newestOf(revisions: readonly Summary[]): Summary[] {
  const newest = new Map<string, Summary>();
  for (const revision of revisions) {
    const known = newest.get(revision.transaction_id);
    if (known === undefined || revision.version > known.version)
      newest.set(revision.transaction_id, revision);
  }
  return [...newest.values()];
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The values at the levels, by the rank that sketches use: the floor of level · (n − 1). */
function quantilesOf(values: readonly (number | null)[], levels: readonly number[]): (number | null)[] {
  const sorted = values.flatMap((value) => value ?? []).sort((a, b) => a - b);
  return levels.map((level) => sorted[Math.floor(level * (sorted.length - 1))] ?? null);
}

function expectNear(found: readonly (number | null)[], wanted: readonly (number | null)[]): void {
  found.forEach((value, i) => {
    const want = wanted[i]!;
    if (want === null) expect(value).toBeNull();
    // A float's own seven digits beside it.
    else expect(Math.abs(value! - want)).toBeLessThanOrEqual(Math.abs(want) * (ACCURACY + 1e-6));
  });
}

const minuteOf = (startedAt: string) => `${startedAt.slice(0, 16).replace('T', ' ')}:00`;
const keyOf = (summary: Summary) => `${minuteOf(summary.started_at)} ${summary.interface_id}`;

type Quantiles = `${'duration' | 'queue'}_p${50 | 95 | 99}_ms`;
type CountRow = Record<string, string | number> & Record<Quantiles, number | null>;

describe.each([1, 2])('of revisions in disorder, some of which come again (seed %i)', (seed) => {
  const random = seededRandom(seed);
  const revisions = revisionsOf(150, random);
  const newest = newestOf(revisions);
  beforeAll(async () => {
    await empty();
    await store(revisions, random);
  });

  test('transactions are counted once each, by interface and minute, as they are now', async () => {
    const found = await rows<CountRow>('SELECT * FROM tranweave.interface_minute ORDER BY ALL');
    const wanted = groupBy(newest, keyOf);
    expect(found.map((row) => `${row['minute']} ${row['interface_id']}`)).toEqual(wanted.map(([key]) => key));
    found.forEach((row, i) => {
      const group = wanted[i]![1];
      expect(row).toMatchObject({
        transactions: group.length,
        late: group.filter(({ late }) => late).length,
        ...Object.fromEntries(
          TRANSACTION_STATUSES.map((status) => [status, group.filter((s) => s.status === status).length]),
        ),
      });
      const durations = group.map(({ duration_ms }) => duration_ms);
      expectNear(
        [row.duration_p50_ms, row.duration_p95_ms, row.duration_p99_ms],
        quantilesOf(durations, LEVELS),
      );
    });
  });

  test('the counts are those of transaction_summary', async () => {
    const direct = `SELECT toStartOfMinute(toDateTime(started_at, 'UTC')) AS minute, interface_id, count() AS transactions,
        countIf(status = 'in_progress') AS in_progress, countIf(status = 'completed') AS completed,
        countIf(status = 'failed') AS failed, countIf(status = 'timed_out') AS timed_out
      FROM tranweave.transaction_summary GROUP BY minute, interface_id ORDER BY minute, interface_id`;
    const rolledUp = `SELECT minute, interface_id, transactions, in_progress, completed, failed, timed_out
      FROM tranweave.interface_minute ORDER BY minute, interface_id`;
    const wanted = await rows(direct);
    expect(wanted.length).toBeGreaterThan(6);
    expect(await rows(rolledUp)).toEqual(wanted);
  });

  test('steps likewise, with their own time and the time before them', async () => {
    const found = await rows<CountRow>('SELECT * FROM tranweave.step_minute ORDER BY ALL');
    const steps = newest.flatMap((summary) =>
      summary.steps.map((step) => ({ ...step, key: `${keyOf(summary)} ${step.step}` })),
    );
    const wanted = groupBy(steps, ({ key }) => key);
    expect(found.map((row) => `${row['minute']} ${row['interface_id']} ${row['step']}`)).toEqual(
      wanted.map(([key]) => key),
    );
    found.forEach((row, i) => {
      const group = wanted[i]![1];
      expect(row).toMatchObject(
        Object.fromEntries(
          STEP_STATUSES.map((status) => [status, group.filter((s) => s.status === status).length]),
        ),
      );
      const levels = LEVELS.slice(0, 2);
      const durations = group.map(({ duration_ms }) => duration_ms);
      const queues = group.map(({ queue_ms }) => queue_ms);
      expectNear([row.duration_p50_ms, row.duration_p95_ms], quantilesOf(durations, levels));
      expectNear([row.queue_p50_ms, row.queue_p95_ms], quantilesOf(queues, levels));
    });
  });
});

describe('of single batches', () => {
  beforeEach(empty);
  const brief = () => fixture.value('SELECT count() FROM tranweave.transaction_brief_revision');

  test('a batch that comes again leaves no second row, and completes what a ClickHouse that died had left out', async () => {
    const days = ['2026-01-29', '2026-01-30', '2026-01-31'];
    const batch = batchOf(
      'summary',
      'died',
      days.map((day, i) => aSummary(i, { created_at: `${day}T00:00:00.000000Z` })),
    );
    await fixture.write(batch);
    await fixture.write(batch);
    expect(await brief()).toBe(3);
    const drop = "ALTER TABLE tranweave.transaction_brief_revision DROP PARTITION '2026-01-30'";
    await fixture.server.client.command({ query: drop });
    expect(await brief()).toBe(2);
    await fixture.write(batch);
    expect(await brief()).toBe(3);
    expect(await fixture.value('SELECT count() FROM tranweave.transaction_summary_revision')).toBe(3);
  });

  test('times and durations that no dashboard can show hold no insert up', async () => {
    const oddStep = (ms: number, i: number): SummaryStep => ({
      ...aSummary(0).steps[0]!,
      step: `odd${i}`,
      duration_ms: ms,
      queue_ms: -ms,
    });
    const odd = [
      aSummary(1, { started_at: '1900-01-01T00:00:00.000000Z', duration_ms: Number.MAX_VALUE }),
      aSummary(2, {
        started_at: '2299-12-31T23:59:59.999999Z',
        duration_ms: -Number.MAX_VALUE,
        steps: [-Number.MAX_VALUE, Number.MAX_VALUE].map(oddStep),
      }),
      aSummary(3, { started_at: '1970-01-01T00:00:00.000000Z', duration_ms: Number.MIN_VALUE, steps: [] }),
    ];
    expect(await fixture.write(batchOf('summary', 'odd', odd))).toEqual({ refused: [] });
    const found = await rows<CountRow>('SELECT * FROM tranweave.interface_minute ORDER BY minute');
    expect(found.map((row) => [row['minute'], row['transactions']])).toEqual([
      ['1970-01-01 00:00:00', 2],
      ['2106-02-07 06:28:00', 1],
    ]);
    expectNear([found[0]!.duration_p95_ms, found[1]!.duration_p50_ms], [0, -1e12]);
    const steps = await rows<CountRow>(
      "SELECT * FROM tranweave.step_minute WHERE step LIKE 'odd%' ORDER BY step",
    );
    expectNear(
      steps.flatMap((row) => [row.duration_p50_ms, row.queue_p95_ms]),
      [-1e12, 1e12, 1e12, -1e12],
    );
  });

  test('a transaction that Redis forgot and began anew is one more in the counts, and none in transaction_summary', async () => {
    const known = { version: 3, created_at: '2026-01-01T00:00:00.000000Z' };
    await fixture.write(batchOf('summary', 'known', [aSummary(1, known)]));
    await fixture.write(batchOf('summary', 'anew', [aSummary(1, { version: 1, created_at: NOW })]));
    expect(await fixture.value('SELECT sum(transactions) FROM tranweave.interface_minute')).toBe(2);
    expect(await fixture.value('SELECT count() FROM tranweave.transaction_summary')).toBe(1);
  });

  test('transaction_step has one row for each step of the newest revision, in order', async () => {
    const steps = (statuses: SummaryStep['status'][]) =>
      statuses.map((status, i) => ({ ...aSummary(0).steps[0]!, step: `s${9 - i}`, branch: `b${i}`, status }));
    for (const [version, statuses] of [
      [2, ['succeeded', 'failed', 'started']],
      [1, ['succeeded', 'started']],
    ] as const)
      await fixture.write(
        batchOf('summary', `v${version}`, [aSummary(1, { version, steps: steps([...statuses]) })]),
      );
    expect(
      await rows(
        'SELECT transaction_id, transaction_status, ordinal, step, branch, status FROM tranweave.transaction_step ORDER BY ordinal',
      ),
    ).toEqual(
      ['succeeded', 'failed', 'started'].map((status, i) => ({
        transaction_id: 'T1',
        transaction_status: 'in_progress',
        ordinal: i + 1,
        step: `s${9 - i}`,
        branch: `b${i}`,
        status,
      })),
    );
  });
});
