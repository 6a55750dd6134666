import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { appendFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { checkConfig } from '../common/config.ts';
import { groupsOf } from '../common/redis/groups.ts';
import { createKeys } from '../common/redis/keys.ts';
import { startRedisCluster } from '../common/testing/redis-cluster.ts';
import type { TestRedisCluster } from '../common/testing/redis-cluster.ts';
import { until } from '../common/testing/until.ts';
import { writeLogs } from '../scripts/commands/generate.ts';
import { tranweaveConfigSchema } from '../scripts/tranweave-config.ts';
import { counted } from './support/counted.ts';
import { CLI, createLandscapeOn, PARTITIONS } from './support/landscape.ts';
import type { Landscape } from './support/landscape.ts';

/** The whole way on a Redis Cluster that is set up as docs/redis.md says. */

const keys = createKeys('tranweave');
const MASTERS = 3;
const LINES_A_CHUNK = 100;

function sample(language: string): string {
  const text = readFileSync(new URL('../docs/redis.md', import.meta.url), 'utf8');
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`docs/redis.md has no sample in ${language}`);
  return found.trim();
}

/** Nodes with the settings and the user of the documentation. */
function startDocumentedCluster(): Promise<TestRedisCluster> {
  const settings = [...sample('conf').split('\n'), sample('acl')];
  return startRedisCluster({
    masters: MASTERS,
    extraArgs: settings.flatMap((line) => `--${line}`.split(' ')),
  });
}

/** By a file and by HTTP in turns; what is not taken is sent again with its key. */
async function send(
  { httpUrl, inbox }: Landscape<TestRedisCluster>,
  lines: readonly string[],
): Promise<void> {
  for (let chunk = 0; chunk * LINES_A_CHUNK < lines.length; chunk += 1) {
    const body = lines.slice(chunk * LINES_A_CHUNK, (chunk + 1) * LINES_A_CHUNK).join('\n');
    if (chunk % 2 === 0) await appendFile(join(inbox, 'a.log'), `${body}\n`);
    else await post(httpUrl, body);
  }
}

async function post(url: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/x-ndjson', 'idempotency-key': randomUUID() };
  for (;;) {
    const { status } = await fetch(url, { method: 'POST', headers, body });
    if (status === 200) return;
    expect(status).toBe(503);
    await delay(50);
  }
}

/** Moves every partition from master to master, twice at least. */
async function moveSlots(cluster: TestRedisCluster, enough: () => boolean): Promise<void> {
  const masters = cluster.nodes.slice(0, MASTERS);
  for (let round = 0; round < 2 || !enough(); round += 1) {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const stream = keys.stream(partition, 'log');
      const from = masters.indexOf(await cluster.masterOf(stream));
      await cluster.moveSlot(stream, masters[(from + 1) % MASTERS]!);
    }
  }
}

test('the sample config is valid', () => {
  const { mistakes } = checkConfig(sample('yaml'), tranweaveConfigSchema, { REDIS_PASSWORD: 'secret' });
  expect(mistakes).toBeUndefined();
});

test('slots move and a master dies while logs flow, and every count is right', async () => {
  await using landscape = await createLandscapeOn(await startDocumentedCluster(), {
    redis: { username: 'tranweave', password: 'secret' },
    // Time for the master to die while there is work left.
    processor: { merge_delay: '2s' },
  });
  const { redis: cluster, streams, configFile } = landscape;
  const file = join(landscape.dir, 'load.ndjson');
  const { lines: _, ...expected } = await writeLogs(file, { transactions: 3_000, seed: 20_260_131 });
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const half = Math.ceil(lines.length / 2);
  await Promise.all([
    landscape.start('collector'),
    landscape.start('processor'),
    landscape.start('processor'),
    landscape.start('sinks'),
  ]);

  let sent = false;
  const end = () => {
    sent = true;
  };
  const sending = send(landscape, lines.slice(0, half));
  sending.then(end, end);
  await moveSlots(cluster, () => sent);
  await sending;

  const { size } = await stat(join(landscape.inbox, 'a.log'));
  await until('everything sent is in Redis', async () =>
    Object.values(await streams.redis.hgetall(keys.lowWater('files'))).includes(String(size)),
  );
  const stream = keys.stream(0, 'log');
  const master = await cluster.masterOf(stream);
  // What was answered with 200 must not be lost: its replica has all of it.
  await master.redis.set('tranweave:{0}:mark', '');
  await master.redis.call('WAIT', 1, 5_000);
  await until('there is work left', async () =>
    (await groupsOf(streams.redis, stream)).some((group) => (group.lag ?? 0) > 0),
  );
  const failingOver = cluster.failOver(master);
  const sendingOn = send(landscape, lines.slice(half));
  await failingOver;
  // Until then the new master, which has no replica, takes nothing: min-replicas-to-write.
  await cluster.revive(master);
  await sendingOn;

  await until('the ledger is met', async () => (await counted(landscape)).logs >= expected.logs, 30_000);
  await landscape.drained(30_000);
  expect(await counted(landscape)).toEqual(expected);
  expect(await landscape.rows('SELECT count() AS n FROM tranweave.dead_letter')).toEqual([{ n: 0 }]);

  const run = async (...words: string[]) => {
    const { stdout } = await promisify(execFile)(CLI, [...words, '--config', configFile, '--json']);
    return JSON.parse(stdout) as unknown;
  };
  const status = (await run('status')) as { streams: { groups: { lag: number; holder: string | null }[] }[] };
  const groups = status.streams.flatMap((one) => one.groups);
  expect(groups).toHaveLength(4 * PARTITIONS);
  for (const group of groups) expect(group).toMatchObject({ lag: 0, holder: expect.any(String) as string });
  const [any] = await landscape.rows<{ id: string }>(
    "SELECT transaction_id AS id FROM tranweave.transaction_summary WHERE status = 'completed' LIMIT 1",
  );
  expect(await run('trace', any!.id)).toMatchObject({ transaction_id: any!.id, status: 'completed' });
}, 240_000);
