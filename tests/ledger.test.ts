import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../common/testing/until.ts';
import { writeLogs } from '../scripts/commands/generate.ts';
import { counted } from './support/counted.ts';
import { createLandscape } from './support/landscape.ts';
import type { Landscape } from './support/landscape.ts';

/** 60% by a file, the rest by HTTP, as they come. */
async function send(landscape: Landscape, file: string): Promise<void> {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const split = Math.floor(lines.length * 0.6);
  const part = join(landscape.dir, 'part');
  await writeFile(part, `${lines.slice(0, split).join('\n')}\n`);
  await rename(part, join(landscape.inbox, 'a.log'));
  for (let at = split; at < lines.length; at += 1000) {
    const body = lines.slice(at, at + 1000).join('\n');
    const response = await fetch(landscape.httpUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body,
    });
    expect(response.status).toBe(200);
  }
}

test('100,000 logs, out of order, some twice, some failing, end in exact counts in both tables', async () => {
  await using landscape = await createLandscape();
  const file = join(landscape.dir, 'load.ndjson');
  const { lines, ...expected } = await writeLogs(file, { transactions: 33_500, seed: 20_260_131 });
  expect(lines).toBeGreaterThan(100_000);
  await Promise.all([
    landscape.start('collector'),
    landscape.start('processor'),
    landscape.start('processor'),
    landscape.start('sinks'),
  ]);
  await send(landscape, file);
  await until(
    'the ledger is met',
    async () =>
      (await counted(landscape)).logs >= expected.logs &&
      (await counted(landscape)).transactions >= expected.transactions,
    120_000,
  );
  await landscape.drained(60_000);
  expect(await counted(landscape)).toEqual(expected);
  expect(await landscape.rows('SELECT count() AS n FROM tranweave.dead_letter')).toEqual([{ n: 0 }]);
}, 240_000);

test('the same when collectors, processors and sinks are killed in the middle of it', async () => {
  await using landscape = await createLandscape();
  const file = join(landscape.dir, 'load.ndjson');
  const { lines: _, ...expected } = await writeLogs(file, { transactions: 15_000, seed: 7, duplicates: 0 });
  await rename(file, join(landscape.inbox, 'a.log'));
  const roles = ['collector', 'processor', 'sinks'] as const;
  let running = await Promise.all(roles.map((role) => landscape.start(role)));
  for (let round = 0; round < 4; round += 1) {
    // Killed while at work: after some more rows have arrived, not after some time.
    const before = (await counted(landscape)).logs;
    await until('more logs are stored', async () => {
      const { logs } = await counted(landscape);
      return logs > before || logs === expected.logs;
    });
    for (const role of running) role.kill('SIGKILL');
    await Promise.all(running.map((role) => role.ended));
    running = await Promise.all(roles.map((role) => landscape.start(role)));
  }
  await until('the ledger is met', async () => (await counted(landscape)).logs >= expected.logs, 120_000);
  await landscape.drained(60_000);
  expect(await counted(landscape)).toEqual(expected);
  // Without FINAL: every line was sent once, so every row is there once, whatever was killed.
  expect(
    await landscape.rows('SELECT count() AS n, sum(record_count) AS records FROM tranweave.tracking_log'),
  ).toEqual([{ n: expected.logs, records: expected.record_count }]);
}, 240_000);
