import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../common/clock.ts';
import { describeError } from '../../common/errors.ts';
import { aborted } from '../../common/lifecycle.ts';
import type { TranweaveConfig } from '../tranweave-config.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';
import { takeDataDir } from '../up/data-dir.ts';
import { clickHouseOf, endpointsOf, redisOf } from '../up/plan.ts';
import { checkPorts } from '../up/ports.ts';
import { endLeftover, findRedis, redisSpec } from '../up/redis-process.ts';
import { environmentOf, nodeFlagsOf } from '../node-flags.ts';
import { whereToLook } from '../up/where-to-look.ts';
import type { Addresses } from '../up/where-to-look.ts';
import { showStatus } from '../up/status-line.ts';
import { createSupervisor } from '../up/supervisor.ts';
import type { ProcessSpec, Supervisor } from '../up/supervisor.ts';
import { outliveTerminal, stopSignal } from '../up/terminal.ts';
import type { ReadyMessage } from '../parent.ts';

/** Ctrl-C stops everything within 5 s: the roles first, then what they stand on. */
const STOP_ROLES_MS_MAX = 3_500;
const STOP_STORES_MS_MAX = 1_200;
const START_MS_MAX = 60_000;
const READY_MS_MAX = 15_000;
const READY_POLL_MS = 100;
const CLI = fileURLToPath(new URL('../cli.js', import.meta.url));

export interface UpOptions {
  config: string;
  dataDir?: string;
}

/** Runs everything on this machine until it is told to stop. Throws a FatalError, in words, when a part does not come up. */
export async function up(options: UpOptions): Promise<void> {
  const config = loadTranweaveConfig(options.config);
  const dataDir = options.dataDir === undefined ? config.up.data_dir : resolve(options.dataDir);
  const logDir = join(dataDir, 'logs');
  const giveBack = takeDataDir(dataDir);
  outliveTerminal();
  const stopping = stopSignal(() => say('\nstopping …'));
  const status = { clear: () => undefined as void };
  const supervisor = createSupervisor({
    logDir,
    say: (line) => {
      status.clear();
      stage('!', line);
    },
  });
  const started: { stores: string[]; roles: string[] } = { stores: [], roles: [] };
  try {
    if (config.up.redis && (await endLeftover(dataDir))) stage('✓', 'ended the Redis of an earlier run');
    await checkPorts(endpointsOf(config));
    await startStores(supervisor, config, options.config, dataDir, started.stores, stopping);
    const addresses = await startRoles(supervisor, config, options.config, started.roles, stopping);
    if (!stopping.aborted) {
      say(
        whereToLook(config, addresses, {
          configFile: options.config,
          logDir: relative('.', logDir) || logDir,
        }),
      );
      await Promise.race([showStatus(config, stopping, status), aborted(stopping)]);
    }
  } finally {
    status.clear();
    await supervisor.stop(started.roles, STOP_ROLES_MS_MAX);
    await supervisor.stop(started.stores, STOP_STORES_MS_MAX);
    giveBack();
  }
  stage('✓', 'stopped; a next start goes on from here');
}

function stage(mark: string, text: string, detail = ''): void {
  say(`${mark} ${detail === '' ? text : `${text.padEnd(14)} ${detail}`}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function startStores(
  supervisor: Supervisor,
  config: TranweaveConfig,
  configFile: string,
  dataDir: string,
  started: string[],
  stopping: AbortSignal,
): Promise<void> {
  if (config.up.redis && !stopping.aborted) {
    const endpoint = redisOf(config);
    const { command, version } = findRedis();
    started.push('redis');
    await unlessStopped(supervisor.start(redisSpec(command, endpoint, dataDir)), stopping);
    if (stopping.aborted) return;
    stage('✓', 'redis', `${version} on port ${endpoint.port}, append-only file, nothing is ever dropped`);
  }
  if (config.up.clickhouse && !stopping.aborted) {
    const endpoint = clickHouseOf(config);
    started.push('clickhouse');
    const spec = roleSpec('clickhouse', 'clickhouse', configFile, [
      '--data-dir',
      join(dataDir, 'clickhouse'),
    ]);
    await unlessStopped(supervisor.start(spec), stopping);
    if (stopping.aborted) return;
    stage('✓', 'clickhouse', `embedded engine on port ${endpoint.port}`);
  }
}

/** Sinks first, which make the tables, and the collector last, when everything behind it is ready. Returns what can be reached. */
async function startRoles(
  supervisor: Supervisor,
  config: TranweaveConfig,
  configFile: string,
  started: string[],
  stopping: AbortSignal,
): Promise<Addresses> {
  const replicas = (role: string, count: number) =>
    Array.from({ length: count }, (_, i) => (count === 1 ? role : `${role} ${i + 1}`));
  const addresses: Addresses = { inputs: {}, api: undefined };
  for (const [role, names] of [
    ['sinks', replicas('sinks', config.up.sinks)],
    ['processor', replicas('processor', config.up.processors)],
    ['api', config.api === undefined ? [] : ['api']],
    ['collector', ['collector']],
  ] as const) {
    if (stopping.aborted) return addresses;
    started.push(...names);
    const allReady = Promise.all(names.map((name) => supervisor.start(roleSpec(name, role, configFile))));
    await unlessStopped(allReady, stopping);
    if (stopping.aborted) return addresses;
    for (const name of names) {
      const said = () => (supervisor.message(name) as ReadyMessage).ready;
      const waits = await whatItWaitsFor(() => said().adminUrl, stopping);
      const ready = said();
      if (waits === '') stage('✓', name, `health at ${ready.adminUrl}/healthz`);
      else stage('!', name, `waits: ${waits}; see ${ready.adminUrl}/readyz`);
      if (role === 'api') addresses.api = Object.values(ready.addresses)[0];
      else addresses.inputs = { ...addresses.inputs, ...ready.addresses };
    }
  }
  return addresses;
}

/** Waits for a start, but no longer once everything is to be stopped: then what it has come to does not matter, not even that it failed. */
async function unlessStopped(start: Promise<unknown>, stopping: AbortSignal): Promise<void> {
  await Promise.race([
    start.catch((error: unknown) => {
      if (!stopping.aborted) throw error;
    }),
    aborted(stopping),
  ]);
}

/**
 * Gives a role some time to do its job; returns in words what it still waits for then, '' if nothing. One that has ended meanwhile is
 * started again, at another address.
 */
async function whatItWaitsFor(adminUrl: () => string, stopping: AbortSignal): Promise<string> {
  let reasons: string[] = [];
  for (let waitedMs = 0; waitedMs < READY_MS_MAX && !stopping.aborted; waitedMs += READY_POLL_MS) {
    reasons = await reasonsOf(adminUrl(), stopping);
    if (reasons.length === 0) return '';
    await systemClock.sleep(READY_POLL_MS, stopping);
  }
  return reasons.join('; ');
}

/** What a role says is missing. One that does not answer waits, too: it has just ended, which is told with its last words. */
async function reasonsOf(adminUrl: string, stopping: AbortSignal): Promise<string[]> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(READY_MS_MAX)]);
  let text: string;
  try {
    text = await (await fetch(`${adminUrl}/readyz`, { signal })).text();
  } catch (error) {
    return [`it does not answer (${describeError(error)})`];
  }
  return (JSON.parse(text) as { reasons: string[] }).reasons;
}

function roleSpec(
  name: string,
  command: string,
  configFile: string,
  more: readonly string[] = [],
): ProcessSpec {
  return {
    name,
    command: process.execPath,
    args: [...nodeFlagsOf(command), CLI, command, '--config', configFile, ...more],
    environment: environmentOf(command),
    startMsMax: START_MS_MAX,
  };
}
