import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { until } from '../common/testing/until.ts';
import { CLI, createLandscape } from './support/landscape.ts';
import type { Landscape } from './support/landscape.ts';

interface Status {
  streams: {
    kind: string;
    entries: number;
    groups: { name: string; lag: number | null; behind_seconds: number | null; holder: string | null }[];
  }[];
}

async function statusOf(landscape: Landscape, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    CLI,
    'status',
    '-c',
    landscape.configFile,
    ...args,
  ]);
  return stdout;
}

/** The values of a gauge whose labels contain all of these. */
async function gauge(adminUrl: string, name: string, ...labels: string[]): Promise<number[]> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
}

test('a sink that stays away holds its entries back, and shows in `status` and /metrics', async () => {
  await using landscape = await createLandscape({ processor: { trim_interval: '100ms' } });
  const [processor] = [await landscape.start('processor'), await landscape.start('collector')];
  const logs = Array.from({ length: 40 }, (_, i) => ({
    transaction_id: `T${i}`,
    step: 'send',
    status: 'succeeded',
    event_time: '2026-01-31T09:15:00Z',
  }));
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(landscape.httpUrl, { method: 'POST', body: JSON.stringify(logs), headers });
  expect(await response.json()).toMatchObject({ accepted: logs.length });
  const lags = (group: string) =>
    gauge(processor.adminUrl, 'tranweave_group_lag_entries', 'stream="log"', group);
  await until('the processors have everything and the sink nothing', async () => {
    const [taken, away] = [await lags('group="processor"'), await lags('group="sink:clickhouse"')];
    return away.length === 4 && away.every((lag) => lag > 0) && taken.every((lag) => lag === 0);
  });
  await until('its waiting shows', async () =>
    (await gauge(processor.adminUrl, 'tranweave_group_behind_seconds', 'stream="log"', 'sink:')).every(
      (s) => s > 0,
    ),
  );
  const { streams } = JSON.parse(await statusOf(landscape, '--json')) as Status;
  for (const stream of streams.filter(({ kind }) => kind === 'log')) {
    expect(stream.entries).toBeGreaterThan(0);
    const away = stream.groups.find(({ name }) => name === 'sink:clickhouse');
    expect(away).toMatchObject({ lag: stream.entries, holder: null });
    expect(away?.behind_seconds).toBeGreaterThan(0);
    expect(stream.groups.find(({ name }) => name === 'processor')).toMatchObject({
      lag: 0,
      behind_seconds: null,
    });
  }
  expect(await statusOf(landscape)).toMatch(/sink:clickhouse +\d+ +\d+(\.\d)? s +\(not claimed\)/);
  await landscape.start('sinks');
  await landscape.drained();
  await until('nothing is held back', async () =>
    (await gauge(processor.adminUrl, 'tranweave_stream_entries', 'stream="log"')).every(
      (entries) => entries === 0,
    ),
  );
}, 60_000);
