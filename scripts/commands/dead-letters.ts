import * as v from 'valibot';
import type { ClickHouseClient } from '@clickhouse/client';
import { createAppender } from '../../collector/append.ts';
import type { Appender } from '../../collector/append.ts';
import { systemClock } from '../../common/clock.ts';
import { duration } from '../../common/config-values.ts';
import { describeError, FatalError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { connectRedis, untilReady } from '../../common/redis/connection.ts';
import { joinDeployment } from '../../common/redis/deployment.ts';
import { createKeys } from '../../common/redis/keys.ts';
import { retry as untilTaken } from '../../common/retry.ts';
import { clickHouseClient } from '../clickhouse-client.ts';
import { formatCounts, formatLetter, formatLetters } from '../dead-letters/format.ts';
import { demandKnown } from '../dead-letters/known.ts';
import { countLetters, newestLetters, pagesOfLetters, resolveLetters } from '../dead-letters/letters.ts';
import type { Selection, StoredLetter } from '../dead-letters/letters.ts';
import { createRetry } from '../dead-letters/retry.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';
import type { TranweaveConfig } from '../tranweave-config.ts';

export interface ListOptions {
  config: string;
  ids: string[];
  input?: string;
  stage?: string;
  since?: string;
  limit: number;
  zone: string;
  resolved?: true;
  json?: true;
}

export interface ShowOptions {
  config: string;
  zone: string;
  raw?: true;
}

export interface ResolveOptions extends Pick<ListOptions, 'config' | 'ids' | 'input' | 'stage' | 'since'> {
  all?: true;
  dryRun?: true;
}

const REDIS_MS_MAX = 5_000;
/** How long Redis may be full or away before a retry gives up: whatever was not tried stays as it was. */
const APPEND_MS_MAX = 60_000;
const APPEND_RETRY = { delayMsMin: 100, delayMsMax: 2_000 };
/** So many outcomes of failures are told one by one. */
const TOLD_MAX = 20;

/** Prints how many dead letters there are, by input, stage and reason, and the newest ones. */
export async function list(options: ListOptions): Promise<void> {
  const config = loadTranweaveConfig(options.config);
  await withClickHouse(config, async (client) => {
    const selection = selectionOf(options, options.resolved === true);
    await demandKnown(client, config, selection);
    const letters = await newestLetters(client, selection, options.limit);
    if (options.json) {
      for (const letter of letters) process.stdout.write(`${JSON.stringify(letter)}\n`);
      return;
    }
    const counts = await countLetters(client, selection);
    if (counts.length === 0) process.stdout.write('there are no dead letters\n');
    else
      process.stdout.write(
        `${formatCounts(counts, options.zone)}\n\n${formatLetters(letters, options.zone)}\n`,
      );
  });
}

/** Prints one dead letter whole. */
export async function show(id: string, options: ShowOptions): Promise<void> {
  await withClickHouse(loadTranweaveConfig(options.config), async (client) => {
    const letters = await newestLetters(client, { ids: [id], resolved: true }, 10);
    const [newest] = letters;
    if (newest === undefined) throw new FatalError(`there is no dead letter ${id}`);
    if (options.raw) process.stdout.write(Buffer.from(newest.raw_base64, 'base64'));
    else
      process.stdout.write(`${letters.map((letter) => formatLetter(letter, options.zone)).join('\n\n')}\n`);
  });
}

/** Tries dead letters again; what is taken is in the streams before it is marked as retried, so a crash in between only repeats it. */
export async function retry(options: ResolveOptions): Promise<void> {
  const config = loadTranweaveConfig(options.config);
  const selection = selectionOf(options, false);
  demandChoice(options);
  await withClickHouse(config, (client) =>
    withAppender(config, options.dryRun === true, async (append) => {
      await demandKnown(client, config, selection);
      const tryAgain = createRetry(config, systemClock);
      const counts = { taken: 0, logs: 0, refused: 0, impossible: 0 };
      const told: string[] = [];
      for await (const page of pagesOfLetters(client, selection)) {
        const taken: StoredLetter[] = [];
        const outcomes = page.flatMap((letter) => {
          const result = tryAgain(letter);
          counts[result.kind] += 1;
          if (result.kind !== 'taken') {
            if (told.length < TOLD_MAX) told.push(`  ${letter.event_id}  ${result.reason}`);
            return [];
          }
          taken.push(letter);
          return result.outcomes;
        });
        counts.logs += outcomes.filter((outcome) => outcome.kind === 'log').length;
        await append(outcomes);
        if (options.dryRun !== true && taken.length > 0) await resolveLetters(client, taken, 'retried');
        process.stderr.write(`${counts.taken + counts.refused + counts.impossible} tried\n`);
      }
      const verb = options.dryRun === true ? 'would be' : 'were';
      process.stdout.write(
        `${counts.taken} dead letters ${verb} taken and ${counts.logs === 1 ? '1 log' : `${counts.logs} logs`} made of them; ` +
          `${counts.refused} are refused still, ${counts.impossible} cannot be tried again: these stay as they are\n${told.map((line) => `${line}\n`).join('')}`,
      );
    }),
  );
}

/** Marks dead letters as dealt with. */
export async function drop(options: ResolveOptions): Promise<void> {
  const config = loadTranweaveConfig(options.config);
  const selection = selectionOf(options, false);
  demandChoice(options);
  await withClickHouse(config, async (client) => {
    await demandKnown(client, config, selection);
    let dropped = 0;
    for await (const page of pagesOfLetters(client, selection)) {
      await resolveLetters(client, page, 'dropped');
      dropped += page.length;
    }
    process.stdout.write(
      `${dropped} dead letters were dropped; they stay in the table until its retention\n`,
    );
  });
}

/** Retrying or dropping everything must have been meant. */
function demandChoice({ ids, input, stage, since, all }: ResolveOptions): void {
  if (ids.length > 0 || input !== undefined || stage !== undefined || since !== undefined || all) return;
  throw new FatalError('say which: ids, --input, --stage, --since, or --all');
}

function selectionOf(
  { ids, input, stage, since }: Pick<ListOptions, 'ids' | 'input' | 'stage' | 'since'>,
  resolved: boolean,
): Selection {
  return {
    ids,
    resolved,
    ...(input === undefined ? {} : { input }),
    ...(stage === undefined ? {} : { stage }),
    ...(since === undefined ? {} : { since: systemClock.now() - durationOf(since) }),
  };
}

function durationOf(text: string): number {
  const parsed = v.safeParse(duration('how old'), text);
  if (!parsed.success) throw new FatalError(`--since ${parsed.issues[0].message}`);
  return parsed.output;
}

async function withClickHouse(
  config: TranweaveConfig,
  work: (client: ClickHouseClient) => Promise<void>,
): Promise<void> {
  const client = clickHouseClient(config);
  if (client === undefined) {
    throw new FatalError('dead letters are looked up in ClickHouse, but the config has no sink of that type');
  }
  try {
    await work(client);
  } catch (error) {
    if (error instanceof FatalError || error instanceof TypeError) throw error;
    throw new FatalError('the dead letters could not be read or written', { cause: error });
  } finally {
    await client.close();
  }
}

type Append = (outcomes: Parameters<Appender['append']>[0]) => Promise<void>;

/** Gives the work a way into the streams; a dry run needs no Redis. */
async function withAppender(
  config: TranweaveConfig,
  dryRun: boolean,
  work: (append: Append) => Promise<void>,
): Promise<void> {
  if (dryRun) return work(() => Promise.resolve());
  const redis = connectRedis(config.redis, silentLogger());
  const keys = createKeys(config.redis.prefix);
  try {
    await untilReady(redis, REDIS_MS_MAX);
    await joinDeployment(redis, keys, config.partitions);
    const appender = createAppender({
      redis,
      keys,
      partitions: config.partitions,
      streamEntriesMax: config.collector.stream_entries_max,
      pendingBytesMax: config.collector.pending_bytes_max,
    });
    await work((outcomes) => {
      const signal = AbortSignal.timeout(APPEND_MS_MAX);
      return untilTaken(() => appender.append(outcomes), {
        policy: APPEND_RETRY,
        clock: systemClock,
        signal,
        onRetry: (error) => process.stderr.write(`waiting: ${describeError(error)}\n`),
      });
    });
  } finally {
    redis.disconnect();
  }
}
