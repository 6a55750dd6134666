import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { partitionOf } from '../common/partition.ts';
import { createKeys } from '../common/redis/keys.ts';
import { GUARD_CHANGING, readDeployment } from '../common/redis/partition-change.ts';
import { scanKeys } from '../common/redis/scan.ts';
import { until } from '../common/testing/until.ts';
import { CLI, createLandscape, PARTITIONS } from './support/landscape.ts';
import type { Landscape, RoleName, RoleProcess } from './support/landscape.ts';

const keys = createKeys('tranweave');

/** `tranweave partitions …` as it is typed. */
function command(landscape: Landscape, ...args: string[]) {
  const child = spawn(process.execPath, [CLI, 'partitions', '--config', landscape.configFile, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'close').then(([code, signal]) => (signal ?? code) as number | string);
  return { ended, kill: (signal: NodeJS.Signals) => child.kill(signal), output: () => output };
}

async function change(landscape: Landscape, to: number): Promise<string> {
  const changing = command(landscape, '--to', String(to));
  const code = await changing.ended;
  if (code !== 0) throw new Error(`the command ended with ${code}: ${changing.output()}`);
  return changing.output();
}

async function configure(landscape: Landscape, partitions: number): Promise<void> {
  const config = await readFile(landscape.configFile, 'utf8');
  await writeFile(landscape.configFile, config.replace(/^partitions: \d+$/m, `partitions: ${partitions}`));
}

const log = (id: string, step: string) => ({
  transaction_id: id,
  event_id: `${id}/${step}`,
  step,
  status: 'succeeded',
  event_time: '2026-01-31T09:15:00Z',
});

/** Sends until it is taken, as a sender must. Returns the answers that were none. */
async function post(landscape: Landscape, id: string, step: string): Promise<number[]> {
  const refused: number[] = [];
  for (;;) {
    const response = await fetch(landscape.httpUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(log(id, step)),
    }).catch(() => undefined);
    if (response?.status === 200) return refused;
    if (response !== undefined) refused.push(response.status);
    await delay(20);
  }
}

/** Resolves when collectors take nothing any more. */
const shut = (landscape: Landscape) =>
  until(
    'collectors are shut',
    async () => (await landscape.streams.redis.get(keys.guard(0))) === GUARD_CHANGING,
  );

/**
 * Sends one step of every transaction, half of them by a file, the others by HTTP, one by one. Resolves when all are taken, with the answers
 * that were none.
 *
 * @param halfway what is waited for before the second half is sent.
 */
async function sendStep(
  landscape: Landscape,
  ids: readonly string[],
  step: string,
  halfway: Promise<void> = Promise.resolve(),
): Promise<number[]> {
  const refused: number[] = [];
  const [byFile, byHttp] = [ids.slice(0, ids.length / 2), ids.slice(ids.length / 2)];
  const write = (some: readonly string[]) =>
    appendFile(
      join(landscape.inbox, 'a.log'),
      some.map((id) => `${JSON.stringify(log(id, step))}\n`).join(''),
    );
  const postAll = async (some: readonly string[]) => {
    for (const id of some) refused.push(...(await post(landscape, id, step)));
  };
  const half = ids.length / 4;
  await Promise.all([write(byFile.slice(0, half)), postAll(byHttp.slice(0, half))]);
  await halfway;
  await Promise.all([write(byFile.slice(half)), postAll(byHttp.slice(half))]);
  return refused;
}

async function transactions(landscape: Landscape): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const page of scanKeys(landscape.streams.redis, keys.transactionsMatch())) {
    for (const key of page) found.set(key, (await landscape.streams.redis.get(key)) ?? '');
  }
  return found;
}

const stored = async (landscape: Landscape) =>
  (await landscape.rows<{ n: number }>('SELECT count() AS n FROM tranweave.tracking_log'))[0]!.n;

const startAll = (landscape: Landscape) =>
  Promise.all(
    (['collector', 'processor', 'processor', 'sinks'] satisfies RoleName[]).map((role) =>
      landscape.start(role),
    ),
  );

/** The roles that ran with the number before end by themselves. */
async function endedByThemselves(roles: readonly RoleProcess[], partitions: number): Promise<void> {
  for (const role of roles) {
    expect(await role.ended).toBe(1);
    expect(role.output()).toContain(`has ${partitions} partitions now`);
    expect(role.output()).toContain(`set \`partitions: ${partitions}\``);
  }
}

test('4 → 7 → 2 partitions while files are read and senders send: every log comes once, every transaction is woven of all of its logs', async () => {
  await using landscape = await createLandscape();
  const ids = Array.from({ length: 400 }, (_, i) => `T${i}`);
  let roles = await startAll(landscape);
  await sendStep(landscape, ids, 'send');
  let refused: number[] = [];
  for (const [partitions, step] of [
    [7, 'hub'],
    [2, 'receive'],
  ] as const) {
    const sent = sendStep(landscape, ids, step, shut(landscape));
    const words = await change(landscape, partitions);
    expect(words).toMatch(new RegExp(`→ ${partitions} partitions\\. [1-9]\\d* transactions were moved`));
    await endedByThemselves(roles, partitions);
    await configure(landscape, partitions);
    roles = await startAll(landscape);
    refused = [...refused, ...(await sent)];
  }
  expect(refused).toContain(503);
  expect(refused.filter((status) => status !== 503)).toEqual([]);
  await until('every log is stored', async () => (await stored(landscape)) >= 3 * ids.length);
  const summaries = () =>
    landscape.rows<{ status: string; n: number }>(
      'SELECT status, count() AS n FROM tranweave.transaction_summary GROUP BY status',
    );
  await until('all are completed', async () => {
    const found = await summaries();
    return found.length === 1 && found[0]!.status === 'completed';
  });
  expect(await summaries()).toEqual([{ status: 'completed', n: ids.length }]);
  expect(await stored(landscape)).toBe(3 * ids.length);
  expect(await landscape.rows('SELECT count() AS n FROM tranweave.dead_letter')).toEqual([{ n: 0 }]);
  const records = await transactions(landscape);
  expect([...records.keys()].sort()).toEqual(
    ids.map((id) => keys.transaction(partitionOf(id, 2), id)).sort(),
  );
}, 120_000);

test('deadlines of transactions that were moved pass afterwards, each once', async () => {
  await using landscape = await createLandscape({
    default_flow: { steps: ['send', 'hub', 'receive'], deadline: '15s' },
  });
  const ids = Array.from({ length: 60 }, (_, i) => `T${i}`);
  const roles = await startAll(landscape);
  for (const id of ids) await post(landscape, id, 'send');
  const { redis } = landscape.streams;
  await change(landscape, 7);
  const watched = await Promise.all(ids.map((id) => redis.zscore(keys.deadlines(partitionOf(id, 7)), id)));
  expect(watched.every((at) => at !== null)).toBe(true);
  await configure(landscape, 7);
  await Promise.all(roles.map((role) => role.stop()));
  await Promise.all([landscape.start('processor'), landscape.start('sinks')]);
  await until(
    'all have timed out',
    async () => {
      const [found] = await landscape.rows<{ n: number }>(
        "SELECT count() AS n FROM tranweave.transaction_summary WHERE status = 'timed_out' AND version = 2",
      );
      return found!.n === ids.length;
    },
    40_000,
  );
  const left = await Promise.all(
    Array.from({ length: 7 }, (_, partition) => redis.zcard(keys.deadlines(partition))),
  );
  expect(left).toEqual(Array(7).fill(0));
}, 90_000);

test.each([
  ['the same command finishes it', 7],
  ['the number before takes it back', PARTITIONS],
])(
  'a command that is killed while it moves leaves no role at work until %s',
  async (_words, to) => {
    await using landscape = await createLandscape();
    const { redis } = landscape.streams;
    const processor = await landscape.start('processor');
    const ids = Array.from({ length: 30_000 }, (_, i) => `T${i}`);
    for (let at = 0; at < ids.length; at += 1000) {
      const batch = redis.pipeline();
      for (const id of ids.slice(at, at + 1000)) {
        const partition = partitionOf(id, PARTITIONS);
        batch.set(keys.transaction(partition, id), `{"id":"${id}"}`, 'EX', 3600);
        batch.zadd(keys.deadlines(partition), 4_000_000_000_000, id);
      }
      await batch.exec();
    }
    const killed = command(landscape, '--to', '7');
    await until('it moves', async () => (await redis.zcard(keys.deadlines(6))) > 0);
    killed.kill('SIGKILL');
    expect(await killed.ended).toBe('SIGKILL');
    expect(await readDeployment(redis, keys)).toMatchObject({
      partitions: PARTITIONS,
      change: { from: PARTITIONS, to: 7, step: 'move' },
    });
    const moved = await redis.zcard(keys.deadlines(6));
    expect(moved).toBeLessThan(ids.filter((id) => partitionOf(id, 7) === 6).length);

    await expect(landscape.start('sinks')).rejects.toThrow(
      '`tranweave partitions --to 7` is not at work any more',
    );
    const other = command(landscape, '--to', '5');
    expect(await other.ended).toBe(1);
    expect(other.output()).toContain(`finish it with --to 7, or take it back with --to ${PARTITIONS}`);
    const readiness = await fetch(`${processor.adminUrl}/readyz`);
    expect(await readiness.text()).toContain('the number of partitions is being changed');

    await change(landscape, to);
    const records = await transactions(landscape);
    expect(records.size).toBe(ids.length);
    for (const id of ids) {
      expect(records.get(keys.transaction(partitionOf(id, to), id))).toBe(`{"id":"${id}"}`);
    }
    const counts = await Promise.all(Array.from({ length: 7 }, (_, p) => redis.zcard(keys.deadlines(p))));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(ids.length);
    if (to === PARTITIONS) {
      await until(
        'the processor works again',
        async () => (await fetch(`${processor.adminUrl}/readyz`)).status === 200,
      );
    } else {
      await endedByThemselves([processor], to);
    }
  },
  60_000,
);

test('what is in the partitions is shown, and what is to be done', async () => {
  await using landscape = await createLandscape();
  const roles = await startAll(landscape);
  await post(landscape, 'T1', 'send');
  const shown = async () => {
    const showing = command(landscape);
    expect(await showing.ended).toBe(0);
    return showing.output();
  };
  expect(await shown()).toMatch(/^This deployment has 4 partitions\.\n\npartition +logs/);
  await change(landscape, 2);
  expect(await shown()).toContain('The config says 4: set `partitions: 2`');
  await Promise.all(roles.map((role) => role.stop()));
});

test('a command that waits for a sink that does not run names it, and takes everything back at Ctrl-C', async () => {
  await using landscape = await createLandscape();
  const { redis } = landscape.streams;
  await Promise.all([landscape.start('collector'), landscape.start('processor')]);
  await post(landscape, 'T1', 'send');
  const waiting = command(landscape, '--to', '7');
  await until('the sink is named', () => waiting.output().includes('sink:clickhouse: '));
  expect(waiting.output()).toContain('start the process of that sink');
  const refused = await fetch(landscape.httpUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(log('T1', 'hub')),
  });
  expect(refused.status).toBe(503);
  waiting.kill('SIGINT');
  expect(await waiting.ended).toBe(1);
  expect(waiting.output()).toContain('nothing was changed, there are 4 partitions as before');
  expect(await readDeployment(redis, keys)).toMatchObject({ partitions: 4, change: undefined });
  await post(landscape, 'T1', 'hub');
  await until('the processor works again', async () => (await landscape.streams.summaries()).length === 2);
}, 60_000);
