import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { partitionOf } from '../common/partition.ts';
import { createKeys } from '../common/redis/keys.ts';
import { until } from '../common/testing/until.ts';
import { createInProcess } from './support/in-process.ts';
import type { InProcess } from './support/in-process.ts';

/** What is not ours in Redis, seen by all roles. The line cited is one of docs/redis-streams.md. */

const keys = createKeys('tranweave');
let landscape: InProcess;
beforeAll(async () => {
  landscape = await createInProcess();
  await until('the store is open', async () => (await landscape.roles.sinks.reasons()).length === 0);
});
beforeEach(async () => {
  for (const table of ['tracking_log', 'dead_letter'])
    await landscape.clickhouse.client.command({ query: `TRUNCATE TABLE tranweave.${table}` });
});
afterAll(() => landscape[Symbol.asyncDispose]());

const line = (id: string) =>
  `${JSON.stringify({ transaction_id: id, step: 'send', status: 'succeeded', event_time: '2026-01-31T09:15:00Z' })}\n`;
const idsIn = (partition: number, prefix: string) =>
  Array.from({ length: 40 }, (_, i) => `${prefix}${i}`).filter((id) => partitionOf(id, 2) === partition);
const stored = async () =>
  (await landscape.clickhouse.rows<{ id: string }>('SELECT transaction_id AS id FROM tranweave.tracking_log'))
    .map(({ id }) => id)
    .sort();
const post = async (ids: readonly string[], key: string) =>
  (await landscape.post(ids.map(line).join(''), key)).status;

describe('R8: something else in the place of a stream', () => {
  test.each(['log', 'summary', 'dead_letter'] as const)(
    '(%s) stops the partition of sinks with an alarm, lets senders and files wait, and nothing of the other partition is held up',
    async (kind) => {
      const { roles, admin } = landscape;
      const lostBefore = await roles.sinks.metric('tranweave_sink_lost_entries_total');
      const [here, elsewhere] = [idsIn(0, `${kind}-a`), idsIn(1, `${kind}-a`)];
      const key = keys.stream(0, kind);
      await admin.multi().del(key).set(key, 'not ours').exec();
      await until('the sinks name it', async () => (await roles.sinks.reasons()).join().includes(key));
      expect((await roles.sinks.reasons()).join()).toContain('partition 0: ');
      expect(await roles.sinks.metric('tranweave_sink_stopped_partitions')).toBe(1);
      expect(await post(elsewhere, `${kind}1`)).toBe(200);
      await until('the other partition goes on', async () => (await stored()).length === elsewhere.length);
      if (kind === 'log') expect(await post(here, `${kind}2`)).toBe(503);
      await landscape.write(here.map(line).join(''));
      if (kind === 'log') {
        const reasons = () => roles.collector.reasons();
        await until('files wait', async () =>
          (await reasons()).some((words) => words.includes('input files')),
        );
      }
      await admin.del(key);
      if (kind === 'log') expect(await post(here, `${kind}2`)).toBe(200);
      const expected = [...here, ...elsewhere, ...(kind === 'log' ? here : [])].sort();
      await until('all is stored', async () => (await stored()).length === expected.length);
      expect(await stored()).toEqual(expected);
      for (const role of Object.values(roles)) {
        await until('it is ready', async () => (await role.reasons()).length === 0);
        expect(role.isRunning()).toBe(true);
      }
      expect(await roles.sinks.metric('tranweave_sink_stopped_partitions')).toBe(0);
      expect(await roles.sinks.metric('tranweave_sink_lost_entries_total')).toBe(lostBefore + 1);
    },
  );
});

describe('entries that are none of ours', () => {
  test('are one dead letter each, whoever reads them, and the logs around them are stored', async () => {
    const { admin, clickhouse } = landscape;
    const ids = idsIn(0, 'around');
    expect(await post(ids.slice(0, 5), 'around1')).toBe(200);
    const entry = await admin.xadd(keys.stream(0, 'log'), '*', 'hello', 'world');
    expect(await post(ids.slice(5), 'around2')).toBe(200);
    await until('all is stored', async () => (await stored()).length === ids.length);
    interface Letter {
      event_id: string;
      stage: string;
      raw: string;
    }
    const letters = (final: string) =>
      clickhouse.rows<Letter>(`SELECT event_id, stage, raw FROM tranweave.dead_letter ${final}`);
    // Told by the processor and by the sink.
    await until('both have told', async () => (await letters('')).length === 2);
    expect(await letters('FINAL')).toEqual([
      {
        event_id: `${keys.stream(0, 'log')}/${entry}`,
        stage: 'stream',
        raw: JSON.stringify({ id: entry, fields: [['hello', 'world']] }),
      },
    ]);
  });

  test('in a dead-letter stream are left out with an error, and do not come again', async () => {
    const { admin, clickhouse, roles } = landscape;
    const before = await roles.sinks.metric('tranweave_sink_undecodable_entries_total');
    const entry = await admin.xadd(keys.stream(0, 'dead_letter'), '*', 'hello', 'world');
    const undecodable = () => roles.sinks.metric('tranweave_sink_undecodable_entries_total');
    await until('it is counted', async () => (await undecodable()) === before + 1);
    await until('it is passed', async () => (await admin.xlen(keys.stream(0, 'dead_letter'))) === 0);
    const told = roles.sinks.lines.filter(
      ({ level, first }) => level === 'error' && String(first).includes(entry!),
    );
    expect([told.length, await undecodable()]).toEqual([1, before + 1]);
    expect(await clickhouse.rows('SELECT toInt32(count()) AS n FROM tranweave.dead_letter')).toEqual([
      { n: 0 },
    ]);
  });
});
