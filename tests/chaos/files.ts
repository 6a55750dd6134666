import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../common/testing/until.ts';
import { seededRandom } from '../../scripts/seeded-random.ts';
import type { RoleProcess } from '../support/landscape.ts';
import { createFileWriter } from './file-writers.ts';
import type { FileWriter } from './file-writers.ts';
import { openGround } from './ground.ts';
import type { Ground } from './ground.ts';

/**
 * A collector that is killed again and again while programs write their logs, and while these are renamed and packed. Afterwards every line
 * must have been collected exactly once, as the record that it is.
 */
export interface FilesOptions {
  /** Decides what is written and what is done when. */
  seed: number;
  kills: number;
  /** Programs that write, each its own file. */
  writers: number;
  partitions: number;
  /** Lines a second, of all writers. */
  rate: number;
  say: (text: string) => void;
  signal: AbortSignal;
}

export interface FilesVerdict {
  kills: number;
  rotations: number;
  lines: number;
  /** What is not as it must be; empty if all is well. */
  differences: string[];
}

const TICK_MS = 50;
/** For how long a collector works until it is killed, at most. */
const UP_MS_MAX = 1_200;
const AWAY_MS_MAX = 300;
/** A file is rotated at one tick in so many. */
const ROTATION = 1 / 60;
const SETTLE_MS_MAX = 120_000;

const INPUT = {
  name: 'files',
  type: 'file',
  paths: ['inbox/*.log', 'inbox/*.gz'],
  scan_interval: '100ms',
  close_after: '500ms',
  // Small, so that a kill hits between many appends.
  batch_bytes_max: '16KiB',
};

export async function assaultFiles(options: FilesOptions): Promise<FilesVerdict> {
  const { seed, say, signal } = options;
  await using ground = await openGround(options.partitions, { inputs: [INPUT] });
  const dir = dirname(ground.inboxFile);
  const writers = Array.from({ length: options.writers }, (_, i) =>
    createFileWriter({ dir, name: `w${i}`, random: seededRandom(seed + i) }),
  );
  const over = new AbortController();
  const writing = writeAtRate(writers, options, AbortSignal.any([over.signal, signal]));
  const assault = killAgainAndAgain(ground, options);
  try {
    await assault;
  } finally {
    over.abort();
  }
  const rotations = await writing;
  signal.throwIfAborted();
  const lines = writers.reduce((sum, { ids }) => sum + ids.length, 0);
  say(`${options.kills} kills done, ${lines} lines written: waiting until they are collected`);
  return { kills: options.kills, rotations, lines, differences: await judgeLines(ground, writers) };
}

async function killAgainAndAgain(
  ground: Ground,
  { kills, seed, say, signal }: FilesOptions,
): Promise<RoleProcess> {
  const random = seededRandom(seed);
  let collector = await ground.start('collector');
  for (let kill = 1; kill <= kills && !signal.aborted; kill += 1) {
    await delay(random() * UP_MS_MAX);
    collector.kill('SIGKILL');
    const how = await collector.ended;
    if (how !== 'SIGKILL')
      throw new Error(`the collector ended by itself with ${how}: ${collector.output()}`);
    if (kill % 10 === 0) say(`${kill} kills`);
    await delay(random() * AWAY_MS_MAX);
    collector = await ground.start('collector');
  }
  return collector;
}

/** Until `signal` aborts. Resolves to the number of rotations. */
async function writeAtRate(
  writers: readonly FileWriter[],
  { rate, seed }: FilesOptions,
  signal: AbortSignal,
): Promise<number> {
  const random = seededRandom(seed ^ 0x5eed);
  const started = performance.now();
  let written = 0;
  let rotations = 0;
  while (!signal.aborted) {
    const wanted = ((performance.now() - started) / 1000) * rate - written;
    const each = Math.max(1, Math.ceil(wanted / writers.length));
    for (const writer of writers) {
      await writer.write(each);
      written += each;
      if (random() >= ROTATION) continue;
      await writer.rotate();
      rotations += 1;
    }
    await delay(TICK_MS, undefined, { signal }).catch(() => undefined);
  }
  for (const writer of writers) await writer.end();
  return rotations;
}

async function judgeLines(ground: Ground, writers: readonly FileWriter[]): Promise<string[]> {
  const expected = new Set(writers.flatMap(({ ids }) => ids));
  const differences: string[] = [];
  try {
    await until(
      'every line is collected',
      async () => (await storedCounts(ground)).size >= expected.size,
      SETTLE_MS_MAX,
    );
    // Files that were packed meanwhile are looked at once more.
    await delay(3_000);
  } catch {
    differences.push('not every line came');
  }
  const counts = await storedCounts(ground);
  for (const id of expected) {
    const times = counts.get(id) ?? 0;
    if (times !== 1) differences.push(`${id} was collected ${times} times`);
  }
  for (const id of counts.keys()) if (!expected.has(id)) differences.push(`${id} was never written`);
  const letters = await ground.streams.deadLetters();
  for (const { reason, meta } of letters) differences.push(`dead letter of ${meta['path']}: ${reason}`);
  return differences;
}

async function storedCounts(ground: Ground): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { transaction_id } of await ground.streams.logs()) {
    counts.set(transaction_id, (counts.get(transaction_id) ?? 0) + 1);
  }
  return counts;
}
