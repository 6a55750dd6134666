import '../../common/source-lines.ts';
import { randomInt } from 'node:crypto';
import { Command } from 'commander';
import { assaultMq } from './mq.ts';
import type { MqVerdict } from './mq.ts';
import { assaultFiles } from './files.ts';
import type { FilesVerdict } from './files.ts';
import { assaultProcessors } from './processors.ts';
import type { Verdict } from './processors.ts';
import { assaultSinks } from './sinks.ts';
import type { SinksVerdict } from './sinks.ts';

/** `npm run chaos -- NAME`: runs that hurt a landscape on purpose and then judge what came of it. Exit code 1 if anything is not as it must be. */

const DIFFERENCES_SHOWN = 20;

const stop = new AbortController();
for (const event of ['SIGINT', 'SIGTERM'] as const) process.once(event, () => stop.abort());

const program = new Command('chaos').description(
  'Hurts a landscape on purpose, then judges what came of it.',
);

program
  .command('processors')
  .description('processors that are killed and paused while logs flow')
  .option('--seconds <count>', 'how long', Number, 60)
  .option('--seed <number>', 'decides about the logs and the signals; a new one if not given', Number)
  .option('--rate <count>', 'logs a second', Number, 3_000)
  .option('--processors <count>', 'how many of them', Number, 4)
  .option('--partitions <count>', 'how many of them', Number, 8)
  .action(
    async (options: {
      seconds: number;
      seed?: number;
      rate: number;
      processors: number;
      partitions: number;
    }) => {
      const seed = options.seed ?? randomInt(2 ** 31);
      say(`processors: seed ${seed}, ${options.seconds} s, ${options.processors} processors`);
      report(seed, await assaultProcessors({ ...options, seed, say, signal: stop.signal }));
    },
  );

program
  .command('sinks')
  .description(
    'sinks processes and a ClickHouse that are killed while logs flow, and inserts whose answers are lost',
  )
  .option('--seconds <count>', 'how long', Number, 60)
  .option('--seed <number>', 'decides about the logs and what is done when; a new one if not given', Number)
  .option('--rate <count>', 'logs a second', Number, 2_000)
  .option('--sinks <count>', 'how many processes', Number, 3)
  .option('--partitions <count>', 'how many of them', Number, 4)
  .option('--kills <count>', 'how many sinks processes are killed', Number, 20)
  .option('--store-kills <count>', 'how often ClickHouse is killed', Number, 5)
  .option('--lost-answers <count>', 'how many answers of ClickHouse are lost', Number, 5)
  .option(
    '--away <seconds>',
    'for how long it cannot be reached afterwards, while logs go on coming',
    Number,
    60,
  )
  .action(
    async (options: {
      seconds: number;
      seed?: number;
      rate: number;
      sinks: number;
      partitions: number;
      kills: number;
      storeKills: number;
      lostAnswers: number;
      away: number;
    }) => {
      const seed = options.seed ?? randomInt(2 ** 31);
      say(`sinks: seed ${seed}, ${options.seconds} s, ${options.sinks} sinks processes`);
      reportSinks(seed, await assaultSinks({ ...options, seed, say, signal: stop.signal }));
    },
  );

program
  .command('mq')
  .description(
    'a collector that gets messages and is killed, connections that are lost, a Redis that is restarted',
  )
  .option('--messages <count>', 'how many', Number, 100_000)
  .option('--kills <count>', 'how often the collector is killed', Number, 30)
  .option('--lost-connections <count>', 'how often all connections are lost', Number, 10)
  .option('--redis-restarts <count>', 'how often Redis is restarted', Number, 2)
  .option('--getters <count>', 'how many there are', Number, 2)
  .option('--partitions <count>', 'how many of them', Number, 4)
  .option('--seed <number>', 'decides about what is done when; a new one if not given', Number)
  .action(
    async (options: {
      messages: number;
      kills: number;
      lostConnections: number;
      redisRestarts: number;
      getters: number;
      partitions: number;
      seed?: number;
    }) => {
      const seed = options.seed ?? randomInt(2 ** 31);
      say(`mq: seed ${seed}, ${n(options.messages)} messages, ${options.getters} getters`);
      reportMq(seed, await assaultMq({ ...options, seed, say, signal: stop.signal }));
    },
  );

program
  .command('files')
  .description('a collector that is killed while files are written, renamed and packed')
  .option('--kills <count>', 'how often', Number, 50)
  .option('--seed <number>', 'decides about what is done when; a new one if not given', Number)
  .option('--rate <count>', 'lines a second', Number, 5_000)
  .option('--writers <count>', 'programs that write, each its own file', Number, 8)
  .option('--partitions <count>', 'how many of them', Number, 8)
  .action(
    async (options: { kills: number; seed?: number; rate: number; writers: number; partitions: number }) => {
      const seed = options.seed ?? randomInt(2 ** 31);
      say(`files: seed ${seed}, ${options.kills} kills, ${options.writers} writers`);
      reportFiles(seed, await assaultFiles({ ...options, seed, say, signal: stop.signal }));
    },
  );

await program.parseAsync().catch((error: unknown) => {
  if (!stop.signal.aborted) throw error;
  process.stderr.write('stopped before there was a verdict\n');
  process.exitCode = 130;
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function n(value: number): string {
  return value.toLocaleString('en-US');
}

function report(seed: number, verdict: Verdict): void {
  say(
    `\n${n(verdict.kills)} kills, ${n(verdict.pauses)} pauses, ${n(verdict.dozes)} dozes, ${n(verdict.restarts)} restarts; ` +
      `${n(verdict.takeovers)} takeovers of partitions, ${n(verdict.fencedRefusals)} refusals by the fence`,
  );
  say(
    `${n(verdict.transactions)} transactions of ${n(verdict.logs)} logs in ${n(verdict.revisions)} revisions; ` +
      `${n(verdict.timedOut)} timed out, ${n(verdict.late)} were late`,
  );
  conclude(
    seed,
    verdict.differences,
    'every summary is what its logs give, every revision was published exactly once',
  );
}

function reportSinks(seed: number, verdict: SinksVerdict): void {
  say(
    `\n${n(verdict.kills)} kills, ${n(verdict.pauses)} pauses, ${n(verdict.dozes)} dozes of sinks processes, ${n(verdict.takeovers)} takeovers of partitions; ` +
      `${n(verdict.storeKills)} kills of ClickHouse, ${n(verdict.lostAnswers)} answers lost`,
  );
  say(
    `${n(verdict.logs)} logs of ${n(verdict.transactions)} transactions, in some ${n(verdict.batches)} batches of logs; ` +
      `no sinks process grew by more than ${n(verdict.grownMib)} MiB while ClickHouse was away`,
  );
  conclude(
    seed,
    verdict.differences,
    'every log is in exactly one row, and transactions are counted once each, without FINAL and without merges',
  );
}

function reportMq(seed: number, verdict: MqVerdict): void {
  say(
    `\n${n(verdict.kills)} kills of the collector, all connections lost ${n(verdict.lostConnections)} times, ${n(verdict.redisRestarts)} restarts of Redis; ` +
      `${n(verdict.cameBack)} times a message came back, ${n(verdict.repeated)} logs are in the streams once more`,
  );
  conclude(
    seed,
    verdict.differences,
    'every message was committed exactly once, is in the streams under exactly one event id, and is one row of the table',
  );
}

function reportFiles(seed: number, verdict: FilesVerdict): void {
  say(`\n${n(verdict.kills)} kills, ${n(verdict.rotations)} rotations, ${n(verdict.lines)} lines`);
  conclude(seed, verdict.differences, 'every line was collected exactly once');
}

function conclude(seed: number, differences: readonly string[], passed: string): void {
  if (differences.length === 0) {
    say(`PASSED: ${passed}`);
    return;
  }
  for (const difference of differences.slice(0, DIFFERENCES_SHOWN)) say(`  ${difference}`);
  say(`FAILED: ${n(differences.length)} differences; run it again with --seed ${seed}`);
  process.exitCode = 1;
}
