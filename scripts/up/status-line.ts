import type { ClickHouseClient } from '@clickhouse/client';
import { systemClock } from '../../common/clock.ts';
import { describeError, RetriableError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { connectRedis, untilReady } from '../../common/redis/connection.ts';
import { groupsOf } from '../../common/redis/groups.ts';
import { createKeys, STREAM_KINDS } from '../../common/redis/keys.ts';
import { clickHouseClient } from '../clickhouse-client.ts';
import type { TranweaveConfig } from '../tranweave-config.ts';

/** Where no line can be rewritten (a pipe, a file), a new one is written at most this often, and only if it says something new. */
const PLAIN_INTERVAL_MS = 5_000;

/**
 * Shows what is going on in one line until the signal aborts: `1,234 logs · 310 transactions: 290 completed, 12 failed, 8 in progress · all stored`.
 *
 * @param shown gets a `clear` that removes the line, for whoever wants to write something else.
 */
export async function showStatus(
  config: TranweaveConfig,
  signal: AbortSignal,
  shown: { clear: () => void },
): Promise<void> {
  const redis = connectRedis(config.redis, silentLogger());
  const clickhouse = clickHouseClient(config);
  const live = process.stdout.isTTY;
  let last = '';
  let lastAt = 0;
  if (live) shown.clear = () => process.stdout.write('\r\u001B[K');
  try {
    await untilReady(redis, 5_000);
    while (!signal.aborted) {
      const line = await statusLine(config, redis, clickhouse);
      if (signal.aborted) break;
      if (live) process.stdout.write(`\r\u001B[K${line.slice(0, process.stdout.columns - 1)}`);
      else if (line !== last && systemClock.now() - lastAt >= PLAIN_INTERVAL_MS) {
        process.stdout.write(`${line}\n`);
        [last, lastAt] = [line, systemClock.now()];
      }
      await systemClock.sleep(config.up.status_interval, signal);
    }
  } finally {
    redis.disconnect();
    await clickhouse?.close();
  }
}

async function statusLine(
  config: TranweaveConfig,
  redis: ReturnType<typeof connectRedis>,
  clickhouse: ClickHouseClient | undefined,
): Promise<string> {
  const parts = await Promise.all([
    clickhouse === undefined
      ? []
      : stored(clickhouse).catch((error: unknown) => [`ClickHouse: ${describeError(error)}`]),
    waiting(config, redis).catch((error: unknown) => {
      if (error instanceof RetriableError) return describeError(error);
      throw error;
    }),
  ]);
  return parts.flat().join(' · ');
}

/** Logs and transactions as the store has them: the numbers that a query would give. */
async function stored(clickhouse: ClickHouseClient): Promise<string[]> {
  const ask = async <T>(query: string) =>
    (await clickhouse.query({ query, format: 'JSONEachRow' })).json<T>();
  const [logs, statuses, letters] = await Promise.all([
    ask<{ n: string | number }>('SELECT count() AS n FROM tracking_log'),
    ask<{ status: string; n: string | number }>(
      'SELECT status, count() AS n FROM transaction_summary GROUP BY status ORDER BY n DESC',
    ),
    ask<{ n: string | number }>('SELECT count() AS n FROM dead_letter'),
  ]);
  const all = statuses.reduce((sum, row) => sum + Number(row.n), 0);
  const byStatus = statuses.map((row) => `${number(row.n)} ${row.status.replace('_', ' ')}`).join(', ');
  const dead = Number(letters[0]?.n ?? 0);
  return [
    `${number(logs[0]?.n ?? 0)} logs`,
    `${number(all)} transactions${byStatus === '' ? '' : `: ${byStatus}`}`,
    ...(dead === 0 ? [] : [`${number(dead)} dead letters`]),
  ];
}

/** Batches that some group has not taken yet; Redis may not be able to tell, which is not none. */
async function waiting(config: TranweaveConfig, redis: ReturnType<typeof connectRedis>): Promise<string> {
  const keys = createKeys(config.redis.prefix);
  let batches = 0;
  let unknown = false;
  for (let partition = 0; partition < config.partitions; partition += 1) {
    for (const kind of STREAM_KINDS) {
      for (const group of await groupsOf(redis, keys.stream(partition, kind))) {
        if (group.lag === null) unknown = true;
        else batches += group.lag;
      }
    }
  }
  if (batches > 0) return `${number(batches)} batches on their way`;
  return unknown ? 'lag not known' : 'nothing on its way';
}

function number(value: string | number): string {
  return Number(value).toLocaleString('en-US');
}
