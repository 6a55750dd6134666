import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startRedis } from '../common/testing/redis-server.ts';
import { until } from '../common/testing/until.ts';
import { usageOf } from '../bench/process-usage.ts';
import { createLandscapeOn } from './support/landscape.ts';

/** Files wait on the disk while Redis is away: what a collector holds of them has a limit, however much there is. */

const FILES = 20;
const LINES = 4_000;
/** Long enough that all of it together is many times what may be held. */
const PADDING = 'x'.repeat(1_500);
const MIB = 1024 ** 2;

function linesOf(file: number, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i += 1) {
    const log = { transaction_id: `${file}-${i}`, step: 'send', status: 'succeeded', payload: PADDING };
    text += `${JSON.stringify({ ...log, event_time: '2026-01-31T09:15:00Z' })}\n`;
  }
  return text;
}

test('B26: held back by a Redis that is away, a collector does not grow, and catches up without a gap', async () => {
  await using redis = await startRedis();
  await using landscape = await createLandscapeOn(redis, { sinks: [] });
  const collector = await landscape.start('collector');
  const fileOf = (file: number) => join(landscape.inbox, `${file}.log`);
  for (let file = 0; file < FILES; file += 1) await appendFile(fileOf(file), linesOf(file, 0, 100));
  const marks = () => landscape.streams.redis.hlen('tranweave:low-water:files');
  await until('every file is being read', async () => (await marks()) === FILES);
  landscape.streams.redis.on('error', () => undefined);
  await redis.kill();
  const rss: number[] = [];
  for (let at = 100; at < LINES; at += 300) {
    for (let file = 0; file < FILES; file += 1) {
      await appendFile(fileOf(file), linesOf(file, at, Math.min(LINES, at + 300)));
    }
    rss.push(usageOf(collector.pid).rssBytes / MIB);
  }
  const told = async () => (await fetch(`${collector.adminUrl}/readyz`)).text();
  await until('it tells that it waits', async () => (await told()).includes('cannot append'));
  rss.push(usageOf(collector.pid).rssBytes / MIB);
  // 120 MiB wait on the disk; a few batches of them are in memory.
  expect(rss.at(-1)! - rss[0]!).toBeLessThan(80);
  await redis.restart();
  const ids = async () => (await landscape.streams.logs()).map(({ transaction_id }) => transaction_id);
  await until('everything is collected', async () => (await ids()).length >= FILES * LINES, 120_000);
  const found = await ids();
  expect([found.length, new Set(found).size]).toEqual([FILES * LINES, FILES * LINES]);
  expect(await landscape.streams.deadLetters()).toEqual([]);
}, 240_000);
