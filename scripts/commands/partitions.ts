import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import * as v from 'valibot';
import { systemClock } from '../../common/clock.ts';
import { duration } from '../../common/config-values.ts';
import { FatalError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { tellClaimNews } from '../../common/redis/claim-news.ts';
import { connectRedis, untilReady } from '../../common/redis/connection.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { createKeys } from '../../common/redis/keys.ts';
import { createChangeMeta } from '../partitions/change-meta.ts';
import { changePartitions } from '../partitions/change.ts';
import type { ChangeResult } from '../partitions/change.ts';
import { createHold } from '../partitions/hold.ts';
import { partitionsInWords } from '../partitions/show.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';
import type { TranweaveConfig } from '../tranweave-config.ts';

export interface PartitionsOptions {
  config: string;
  /** The number of partitions that there shall be; without it they are only shown. */
  to?: number;
  /** How long processors and sinks may take to work off what is there, as a duration with its unit. */
  wait: string;
  /** Groups that nobody reads for any more. */
  dropGroup: readonly string[];
}

const REDIS_MS_MAX = 5_000;

/** Shows the partitions, or changes how many there are. What goes on is said on stderr, what came of it on stdout. */
export async function partitions(options: PartitionsOptions): Promise<void> {
  if (options.to === undefined && options.dropGroup.length > 0) {
    throw new FatalError(
      '--drop-group goes with --to: groups are dropped so that a change need not wait for them',
    );
  }
  const wait = v.safeParse(duration(''), options.wait);
  if (!wait.success) throw new FatalError(`--wait ${wait.issues[0].message}`);
  const config = loadTranweaveConfig(options.config);
  const redis = connectRedis(config.redis, silentLogger());
  try {
    await untilReady(redis, REDIS_MS_MAX);
    const text =
      options.to === undefined
        ? await partitionsInWords(redis, createKeys(config.redis.prefix), config.partitions)
        : inWords(await change(redis, config, options.to, wait.output, options.dropGroup));
    process.stdout.write(`${text}\n`);
  } finally {
    redis.disconnect();
  }
}

async function change(
  redis: RedisClient,
  config: TranweaveConfig,
  to: number,
  waitMs: number,
  dropGroups: readonly string[],
): Promise<ChangeResult> {
  const keys = createKeys(config.redis.prefix);
  const hold = createHold({
    redis,
    keys,
    holder: `partitions-${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`,
    ttlMs: config.claims.ttl,
    clock: systemClock,
  });
  try {
    return await changePartitions(
      {
        redis,
        keys,
        hold,
        meta: createChangeMeta(redis, keys, hold),
        clock: systemClock,
        stopping: stopSignal(),
        waitMs,
        claimMs: config.claims.ttl,
        dropGroups,
        tellRoles: (group) => tellClaimNews(redis, keys, silentLogger(), group),
        say,
      },
      to,
    );
  } finally {
    await hold.release();
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Aborts at the first SIGINT, SIGTERM or SIGHUP; at the second one the process ends as it would by itself. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      if (!controller.signal.aborted) say('stopping …');
      controller.abort();
    });
  }
  return controller.signal;
}

function inWords(result: ChangeResult): string {
  if (result.kind === 'same') return `There are ${result.partitions} partitions; nothing to change.`;
  const { from, to } = result.change;
  if (result.kind === 'taken back') return `Taken back: there are ${from} partitions, as before.`;
  return [
    `${from} → ${to} partitions. ${result.moved} transactions were moved; it took ${seconds(result.waitedMs)} until everything was worked off, ` +
      `and ${seconds(result.movedMs)} to move.`,
    `Now set \`partitions: ${to}\` in the config of every role and start them; those that still run with ${from} end by themselves.`,
  ].join('\n');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
