import { randomInt } from 'node:crypto';
import { Command } from 'commander';
import { assaultProcessors } from './processors.ts';
import type { Verdict } from './processors.ts';

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

await program.parseAsync().catch((error: unknown) => {
  if (!stop.signal.aborted) throw error;
  process.stderr.write('stopped before there was a verdict\n');
  process.exitCode = 130;
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function report(seed: number, verdict: Verdict): void {
  const n = (value: number) => value.toLocaleString('en-US');
  say(
    `\n${n(verdict.kills)} kills, ${n(verdict.pauses)} pauses, ${n(verdict.dozes)} dozes, ${n(verdict.restarts)} restarts; ` +
      `${n(verdict.takeovers)} takeovers of partitions, ${n(verdict.fencedRefusals)} refusals by the fence`,
  );
  say(
    `${n(verdict.transactions)} transactions of ${n(verdict.logs)} logs in ${n(verdict.revisions)} revisions; ` +
      `${n(verdict.timedOut)} timed out, ${n(verdict.late)} were late`,
  );
  const { differences } = verdict;
  if (differences.length === 0) {
    say('PASSED: every summary is what its logs give, every revision was published exactly once');
    return;
  }
  for (const difference of differences.slice(0, DIFFERENCES_SHOWN)) say(`  ${difference}`);
  say(`FAILED: ${n(differences.length)} differences; run it again with --seed ${seed}`);
  process.exitCode = 1;
}
