import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../../common/errors.ts';
import { until } from '../../common/testing/until.ts';
import type { RoleName, RoleProcess } from '../support/landscape.ts';
import type { Ground } from './ground.ts';
import { areTakenOver, holdings } from './holders.ts';
import type { Holding } from './holders.ts';
import type { Act } from './plan.ts';

/**
 * Replicas of a role under a plan of signals. Of each replica:
 *
 *   up ──(kill)──▶ away ──(started again)──▶ up
 *   up ──(pause)──▶ asleep ──(all it held is another's, and some time more)──▶ up
 *   up ──(doze)──▶ asleep ──(a moment)──▶ up
 *   up ──(restart)──▶ away ──(started again at once)──▶ up
 *
 * At least two are never asleep, so that what is lost can be taken over. One that ends otherwise than by a signal of ours is a failure.
 */
export interface Assault {
  /** Carries out the plan; resolves when every replica is up again, also if `signal` ended it early. */
  run(plan: readonly Act[], signal: AbortSignal): Promise<void>;
  tally: Readonly<Tally>;
  /** What must not happen, in words. */
  failures: readonly string[];
  /** The processes that run now. */
  up(): RoleProcess[];
}

export interface Tally {
  kills: number;
  pauses: number;
  dozes: number;
  restarts: number;
  /** Partitions that a killed or paused replica held and another has claimed since. */
  takeovers: number;
}

export interface AssaultDeps {
  ground: Ground;
  role: RoleName;
  /** The claims' group of that role. */
  group: string;
  replicas: number;
  say: (text: string) => void;
}

interface Replica {
  number: number;
  state: 'up' | 'asleep' | 'away';
  process: RoleProcess;
}

/** Far more than a takeover takes, also on a busy machine. */
const TAKEOVER_MS_MAX = 60_000;
/** Lines of a process' output that a failure shows. */
const TAIL_LINES = 5;

/** Starts the replicas; resolves when every partition is held. */
export async function startAssault(deps: AssaultDeps): Promise<Assault> {
  const { ground, group } = deps;
  const failures: string[] = [];
  const tally: Tally = { kills: 0, pauses: 0, dozes: 0, restarts: 0, takeovers: 0 };
  const start = async (number: number) => {
    const process = await ground.start(deps.role);
    void watch(process, `${deps.role} ${number}`, failures);
    return process;
  };
  const replicas = await Promise.all(
    Array.from({ length: deps.replicas }, async (_, index): Promise<Replica> => {
      const number = index + 1;
      return { number, state: 'up', process: await start(number) };
    }),
  );
  await until(
    'every partition is held',
    async () => (await holdings(ground.streams.redis, group, ground.partitions)).length === ground.partitions,
    TAKEOVER_MS_MAX,
  );
  return {
    run: (plan, signal) => carryOut({ ...deps, replicas, tally, failures, start }, plan, signal),
    tally,
    failures,
    up: () => replicas.filter(({ state }) => state === 'up').map(({ process }) => process),
  };
}

async function watch(process: RoleProcess, name: string, failures: string[]): Promise<void> {
  const how = await process.ended;
  if (how !== 'SIGKILL' && how !== 0)
    failures.push(`${name} ended by itself with ${how}: ${tailOf(process)}`);
}

function tailOf(process: RoleProcess): string {
  return process.output().trimEnd().split('\n').slice(-TAIL_LINES).join(' | ');
}

type Stage = Omit<AssaultDeps, 'replicas'> & {
  replicas: Replica[];
  tally: Tally;
  failures: string[];
  start(number: number): Promise<RoleProcess>;
};

async function carryOut(stage: Stage, plan: readonly Act[], signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const since = () => performance.now() - started;
  const underWay: Promise<void>[] = [];
  for (const act of plan) {
    await delay(Math.max(0, act.atMs - since()), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    const held = await holdings(stage.ground.streams.redis, stage.group, stage.ground.partitions);
    const victim = choose(stage, act, held);
    if (victim === undefined) continue;
    const its = held.filter(({ pid }) => pid === victim.process.pid);
    const at = `${(since() / 1000).toFixed(1).padStart(6)} s`;
    const what = its.map(({ partition }) => partition).join(' ');
    stage.say(`${at}  ${act.deed} ${stage.role} ${victim.number}, which held ${what || 'nothing'}`);
    underWay.push(
      DEEDS[act.deed](stage, victim, its, act.thenMs).catch((error: unknown) => {
        stage.failures.push(`${stage.role} ${victim.number}: ${describeError(error)}`);
      }),
    );
  }
  await Promise.all(underWay);
}

/** Preferably one that holds something: the signal is to hurt. */
function choose({ replicas }: Stage, act: Act, held: readonly Holding[]): Replica | undefined {
  if (act.deed !== 'kill' && replicas.filter(({ state }) => state !== 'asleep').length <= 2) return undefined;
  const up = act.victims.flatMap((index) => replicas[index] ?? []).filter(({ state }) => state === 'up');
  return up.find(({ process }) => held.some(({ pid }) => pid === process.pid)) ?? up[0];
}

const DEEDS: Record<
  Act['deed'],
  (stage: Stage, victim: Replica, its: Holding[], thenMs: number) => Promise<void>
> = {
  kill: async (stage, victim, its, thenMs) => {
    victim.state = 'away';
    stage.tally.kills += 1;
    victim.process.kill('SIGKILL');
    await victim.process.ended;
    await delay(thenMs);
    victim.process = await stage.start(victim.number);
    victim.state = 'up';
    await untilTakenOver(stage, its);
  },
  pause: async (stage, victim, its, thenMs) => {
    victim.state = 'asleep';
    stage.tally.pauses += 1;
    victim.process.kill('SIGSTOP');
    try {
      await untilTakenOver(stage, its);
      await delay(thenMs);
    } finally {
      victim.process.kill('SIGCONT');
    }
    victim.state = 'up';
  },
  doze: async (stage, victim, _its, thenMs) => {
    victim.state = 'asleep';
    stage.tally.dozes += 1;
    victim.process.kill('SIGSTOP');
    await delay(thenMs);
    victim.process.kill('SIGCONT');
    victim.state = 'up';
  },
  restart: async (stage, victim) => {
    victim.state = 'away';
    stage.tally.restarts += 1;
    await victim.process.stop();
    victim.process = await stage.start(victim.number);
    victim.state = 'up';
  },
};

async function untilTakenOver({ ground, group, tally }: Stage, lost: readonly Holding[]): Promise<void> {
  await until(
    'what a replica lost is taken over',
    () => areTakenOver(ground.streams.redis, group, ground.partitions, lost),
    TAKEOVER_MS_MAX,
  );
  tally.takeovers += lost.length;
}
