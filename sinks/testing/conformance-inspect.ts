import { expect, test } from 'vitest';
import { timestampFromMillis } from '../../common/timestamp.ts';
import type { Lab } from './harness.ts';
import { aLog, aSummary, batchOf, NOW } from './rows.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const never = new AbortController().signal;

/** What `verify` is told of a store, for sinks that can be asked. */
export function canBeAsked(lab: Lab): void {
  countsLogs(lab);
  knowsTransactions(lab);
}

function countsLogs({ sink, make }: Lab): void {
  test('tells how many logs it has of an input and an interface, by when they were collected', async ({
    skip,
  }) => {
    const { inspector } = make();
    if (inspector === undefined) {
      skip();
      return;
    }
    const day = timestampFromMillis(Date.parse(NOW) - 2 * DAY_MS).slice(0, 10);
    const next = timestampFromMillis(Date.parse(NOW) - DAY_MS).slice(0, 10);
    // Beside aLog's own: the collector sets these, whatever a log says.
    const collected = (i: number, interface_id: string, time: string) => ({
      ...aLog(i, { interface_id }),
      ingest_time: `${day}T${time}Z`,
      input: 'asked',
    });
    const rows = [
      ...[1, 2, 3].map((i) => collected(7000 + i, 'orders', '00:00:00.000000')),
      collected(7004, '', '23:59:59.999999'),
      collected(7005, "it's\t\\ an 한글 interface", '12:00:00.000000'),
      { ...collected(7006, 'orders', '12:00:00.000000'), input: 'another' },
      { ...collected(7007, 'orders', '12:00:00.000000'), ingest_time: `${next}T00:00:00.000000Z` },
    ];
    await sink().write(batchOf('log', 'asked', rows), never);
    const span = { from: `${day}T00:00:00.000000Z`, until: `${next}T00:00:00.000000Z` };
    const found = await inspector.logs(span, never);
    const counts = new Map(found.map((one) => [`${one.input} ${one.interface_id}`, [one.rows, one.logs]]));
    expect(counts).toEqual(
      new Map([
        ['another orders', [1, 1]],
        ['asked ', [1, 1]],
        ["asked it's\t\\ an 한글 interface", [1, 1]],
        ['asked orders', [3, 3]],
      ]),
    );
  });
}

function knowsTransactions({ sink, make }: Lab): void {
  test('tells what it has of a transaction, and nothing of one that it does not know', async ({ skip }) => {
    const { inspector } = make();
    if (inspector === undefined) {
      skip();
      return;
    }
    const at = '2026-01-31T09:15:00.123456Z';
    const odd = "it's \\ 한글";
    await sink().write(
      batchOf('log', 'asked too', [
        aLog(7101, { transaction_id: odd, event_id: 'a', event_time: at }),
        aLog(7102, { transaction_id: odd, event_id: 'b', event_time: at }),
        aLog(7103, { transaction_id: 'logs only', event_id: odd, event_time: at }),
      ]),
      never,
    );
    const created_at = timestampFromMillis(Date.parse(NOW) - 1);
    await sink().write(
      batchOf('summary', 'asked for', [
        aSummary(7101, { transaction_id: odd, version: 3, created_at, last_event_at: at }),
        aSummary(7104, { transaction_id: 'summary only', created_at, last_event_at: at }),
      ]),
      never,
    );
    const ids = [odd, 'logs only', 'summary only', 'unknown'];
    const found = await inspector.transactions({ ids, from: at, to: at }, never);
    expect(
      Object.fromEntries([...found].map(([id, one]) => [id, { ...one, event_ids: one.event_ids.sort() }])),
    ).toEqual({
      [odd]: { event_ids: ['a', 'b'], summary: { created_at, version: 3, last_event_at: at } },
      'logs only': { event_ids: [odd] },
      'summary only': { event_ids: [], summary: { created_at, version: 1, last_event_at: at } },
    });
  });
}
