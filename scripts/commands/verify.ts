import * as v from 'valibot';
import { systemClock } from '../../common/clock.ts';
import { duration } from '../../common/config-values.ts';
import { FatalError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { connectRedis, untilReady } from '../../common/redis/connection.ts';
import { createKeys } from '../../common/redis/keys.ts';
import { readDeployment } from '../../common/redis/partition-change.ts';
import { createSink } from '../../sinks/registry.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';
import { formatReport } from '../verify/report.ts';
import { verify as compare } from '../verify/verify.ts';

export interface VerifyOptions {
  config: string;
  days: number;
  wait: string;
  json?: true;
}

const REDIS_MS_MAX = 5_000;

/** Prints whether what was accepted is stored, and ends with an error if it is not. */
export async function verify(options: VerifyOptions): Promise<void> {
  const config = loadTranweaveConfig(options.config);
  const wait = v.safeParse(duration('how long'), options.wait);
  if (!wait.success) throw new FatalError(`--wait ${wait.issues[0].message}`);
  if (config.sinks.length === 0)
    throw new FatalError('the config has no `sinks`, so there is nothing to compare');
  const redis = connectRedis(config.redis, silentLogger());
  const keys = createKeys(config.redis.prefix);
  const sinks = config.sinks.map((sink) => ({
    config: sink,
    sink: createSink(sink, { name: sink.name, clock: systemClock, logger: silentLogger() }),
  }));
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    await untilReady(redis, REDIS_MS_MAX);
    const { partitions = config.partitions } = await readDeployment(redis, keys);
    const report = await compare({
      redis,
      keys,
      partitions,
      sinks,
      clock: systemClock,
      days: options.days,
      waitMs: wait.output,
      signal: stopping.signal,
      onProgress: (words) => process.stderr.write(`${words}\n`),
    });
    process.stdout.write(`${options.json ? JSON.stringify(report, null, 2) : formatReport(report)}\n`);
    if (!report.conserved) process.exitCode = 1;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    redis.disconnect();
    await Promise.all(sinks.map(({ sink }) => sink.close()));
  }
}
