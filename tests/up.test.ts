import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { cp, mkdtemp, readdir, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@clickhouse/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../common/testing/redis-server.ts';
import { until } from '../common/testing/until.ts';
import { CLI } from './support/landscape.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
let dir: string;
let ports: { redis: number; clickhouse: number; http: number; api: number };
let running: Up[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tranweave-up-'));
  ports = {
    redis: await freePort(),
    clickhouse: await freePort(),
    http: await freePort(),
    api: await freePort(),
  };
  running = [];
  await cp(join(ROOT, 'examples'), join(dir, 'examples'), { recursive: true });
  const config = (await readFile(join(ROOT, 'tranweave.yml'), 'utf8'))
    .replace('6399', String(ports.redis))
    .replace('8123', String(ports.clickhouse))
    .replace('port: 8080', `port: ${ports.http}`)
    .replace('port: 8090', `port: ${ports.api}`);
  await writeFile(join(dir, 'tranweave.yml'), config);
});
afterEach(async () => {
  await Promise.all(running.map((up) => up.stop('SIGTERM')));
  await rm(dir, { recursive: true, force: true });
});

interface Up {
  child: ChildProcess;
  output(): string;
  /** The exit code, or the signal that ended it. */
  ended: Promise<number | string>;
  stop(signal: NodeJS.Signals): Promise<number | string>;
}

function start(...args: string[]): Up {
  const child = spawn(process.execPath, [CLI, ...args], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const collect = (chunk: Buffer) => (output += chunk.toString());
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const ended = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | string);
  const up: Up = {
    child,
    output: () => output,
    ended,
    stop: async (signal) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
  };
  running.push(up);
  return up;
}

async function counts(): Promise<Record<string, number>> {
  const client = createClient({ url: `http://127.0.0.1:${ports.clickhouse}` });
  const ask = async (query: string) =>
    (await client.query({ query, format: 'JSONEachRow' })).json<{ k: string; n: string }>();
  try {
    const rows = [
      ...(await ask("SELECT 'logs' AS k, count() AS n FROM tranweave.tracking_log")),
      ...(await ask('SELECT status AS k, count() AS n FROM tranweave.transaction_summary GROUP BY status')),
    ];
    return Object.fromEntries(rows.map(({ k, n }) => [k, Number(n)]));
  } finally {
    await client.close();
  }
}

/** What Linux tells of the processes of a role that `up` has started: how far each thread stands back (nice), and their environment. */
async function processesOf(role: string): Promise<{ niceness: number[]; environment: string[] }> {
  const found = { niceness: [] as number[], environment: [] as string[] };
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    if (!(await read('cmdline')).includes(`\0${role}\0`)) continue;
    if ((await readlink(`/proc/${pid}/cwd`).catch(() => '')) !== (await realpath(dir))) continue;
    found.environment.push(...(await read('environ')).split('\0'));
    for (const thread of await readdir(`/proc/${pid}/task`).catch(() => [])) {
      // A thread may have ended meanwhile. Behind the name, which may hold blanks, niceness is the seventeenth.
      const stat = await read(`task/${thread}/stat`);
      if (stat !== '') found.niceness.push(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]));
    }
  }
  return found;
}

/** As the READMEs of the examples say, and their awk counts. */
const EXAMPLES = { logs: 158 + 221, completed: 26 + 31, failed: 4 + 5, in_progress: 6 + 4 };

test('up weaves the examples, stops every part cleanly, and goes on where it stopped', async () => {
  const first = start('up');
  await until('it says where to look', () => first.output().includes('Ctrl-C stops everything'), 60_000);
  await until(
    'the examples are woven',
    async () => {
      const { logs, completed } = await counts();
      return logs === EXAMPLES.logs && completed === EXAMPLES.completed;
    },
    60_000,
  );
  expect(await counts()).toEqual(EXAMPLES);
  const response = await fetch(`http://127.0.0.1:${ports.http}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"transaction_id":"T1","step":"send","status":"succeeded","event_time":"2026-01-31T09:15:00+09:00"}',
  });
  expect(await response.json()).toMatchObject({ accepted: 1, rejected: [] });

  expect(first.output()).toContain(`http://127.0.0.1:${ports.api}/v1`);
  const asked = await fetch(`http://127.0.0.1:${ports.api}/v1/transactions/26-10006`);
  expect(await asked.json()).toMatchObject({ transaction_id: '26-10006', interface_id: 'shop-order' });

  if (process.platform === 'linux') {
    const ours = getPriority();
    const collector = await processesOf('collector');
    expect(new Set(collector.niceness)).toEqual(new Set([ours]));
    expect(collector.environment).toContain(`MALLOC_ARENA_MAX=${process.env['MALLOC_ARENA_MAX'] ?? '2'}`);
    // Some few of ClickHouse's threads set a priority of their own.
    const clickhouse = await processesOf('clickhouse');
    expect(clickhouse.niceness).toContain(Math.max(ours, 5));
    if (process.env['MALLOC_ARENA_MAX'] === undefined)
      expect(clickhouse.environment.join()).not.toContain('MALLOC_ARENA_MAX');
    if (ours < 5) expect(clickhouse.niceness).not.toContain(ours);
  }

  const traced = start('trace', '26-10006');
  expect(await traced.ended).toBe(0);
  expect(traced.output()).toMatch(/processing +succeeded/);
  const status = start('status');
  expect(await status.ended).toBe(0);
  expect(status.output()).toContain('sink:clickhouse');

  expect(await first.stop('SIGINT')).toBe(0);
  expect(first.output()).not.toMatch(/\n +at /);
  for (const role of ['collector', 'api', 'processor-1', 'processor-2', 'sinks', 'clickhouse']) {
    const log = await readFile(join(dir, 'data', 'logs', `${role}.log`), 'utf8');
    expect(log).not.toMatch(/left behind|did not stop cleanly/);
  }

  const second = start('up');
  await until(
    'the new one is stored, and nothing twice',
    async () => {
      if (!second.output().includes('Ctrl-C stops everything')) return false;
      return (await counts())['logs'] === EXAMPLES.logs + 1;
    },
    60_000,
  );
  expect(await counts()).toEqual({
    ...EXAMPLES,
    logs: EXAMPLES.logs + 1,
    in_progress: EXAMPLES.in_progress + 1,
  });
  expect(await second.stop('SIGTERM')).toBe(0);
}, 180_000);

test('a role that is killed is started again, and says so', async () => {
  const up = start('up');
  await until('it says where to look', () => up.output().includes('Ctrl-C stops everything'), 60_000);
  const log = await readFile(join(dir, 'data', 'logs', 'collector.log'), 'utf8');
  process.kill((JSON.parse(log.split('\n')[0]!) as { pid: number }).pid, 'SIGKILL');
  await until('it is told', () => up.output().includes('collector ended (SIGKILL); it is started again'));
  await until('the collector answers again', async () => {
    const answer = await fetch(`http://127.0.0.1:${ports.http}/v1/logs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '[]',
    }).catch(() => undefined);
    return answer?.status === 200;
  });
}, 120_000);

test('a taken port, a second up in the same folder, and a config with mistakes end in one clear message, before anything starts', async () => {
  const taken = createServer().listen(ports.http, '127.0.0.1');
  await once(taken, 'listening');
  const up = start('up');
  expect(await up.ended).toBe(1);
  expect(up.output()).toBe(
    `tranweave: port ${ports.http} on 127.0.0.1 is taken; set another one with \`inputs[0].port\`\n`,
  );
  taken.close();

  await writeFile(join(dir, 'data', 'up.pid'), String(process.pid));
  const stale = start('up');
  await until(
    'a leftover lock of another program is no hindrance',
    () => stale.output().includes('✓ redis'),
    60_000,
  );
  const second = start('up');
  expect(await second.ended).toBe(1);
  expect(second.output()).toMatch(
    /^tranweave: another `tranweave up` \(process \d+\) uses .*; stop it, or name another folder with --data-dir\n$/,
  );
  await stale.stop('SIGTERM');

  await writeFile(join(dir, 'bad.yml'), 'partitions: many\ninputs:\n  - { name: a, type: ftp }\n');
  const bad = start('up', '--config', 'bad.yml');
  expect(await bad.ended).toBe(1);
  expect(bad.output()).toBe(
    [
      'tranweave: 2 mistakes in bad.yml',
      '  bad.yml:1:1  partitions must be a whole number from 1 to 1024',
      '  bad.yml:3:16  inputs[0].type must have a `type` that is one of http, file, ibm-mq',
      '',
    ].join('\n'),
  );
}, 120_000);

test('a missing redis-server and a missing config are told in words', async () => {
  const child = spawn(process.execPath, [CLI, 'up'], {
    cwd: dir,
    env: { ...process.env, REDIS_SERVER: '/nowhere/redis-server' },
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(1);
  expect(output).toContain('there is no redis-server on this machine');
  const none = start('collector', '--config', 'none.yml');
  expect(await none.ended).toBe(1);
  expect(none.output()).toBe(
    'tranweave: there is no config none.yml; `tranweave init` writes one, --config names another\n',
  );
}, 60_000);
