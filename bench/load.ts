import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeLogs } from '../scripts/commands/generate.ts';
import type { Ledger } from '../scripts/generate/generator.ts';
import type { Lab } from './lab.ts';
import { until } from './until.ts';

/** Files of generated logs, and how they come to the collector. */
export interface Load {
  file: string;
  bytes: number;
  ledger: Ledger;
}

/** Generated logs in a file beside the lab, and what must come out of them. */
export async function prepareLoad(dir: string, name: string, transactions: number): Promise<Load> {
  const file = join(dir, `${name}.ndjson`);
  const ledger = await writeLogs(file, { transactions, seed: 7, prefix: name });
  return { file, ledger, bytes: (await stat(file)).size };
}

export async function emptyRedis(lab: Lab): Promise<void> {
  await lab.redisClient.flushall();
  await rm(join(lab.inbox), { recursive: true, force: true });
  await mkdir(lab.inbox, { recursive: true });
}

/** Puts a file beside the folder that the file input follows; what is returned moves it in, whole at once. */
export async function prepareDelivery(
  lab: Lab,
  { file }: { file: string },
  name: string,
): Promise<() => Promise<void>> {
  const beside = join(lab.dir, `${name}.part`);
  await copyFile(file, beside);
  return () => rename(beside, join(lab.inbox, `${name}.log`));
}

/** Whether the collector has appended everything of a file of that size: some source's low-water mark is at its end. */
export async function isCollected(lab: Lab, bytes: number): Promise<boolean> {
  const marks = await lab.redisClient.hvals('tranweave:low-water:files');
  return marks.some((mark) => Number(mark) === bytes);
}

/** Bytes of all files that the collector has appended. */
export async function collectedBytes({ redisClient }: Lab): Promise<number> {
  const marks = await redisClient.hvals('tranweave:low-water:files');
  return marks.reduce((sum, mark) => sum + Number(mark), 0);
}

/** Has a collector append the whole file. */
export async function collect(lab: Lab, load: { file: string; bytes: number }, name: string): Promise<void> {
  const collector = await lab.start('collector');
  const deliver = await prepareDelivery(lab, load, name);
  await deliver();
  await until('the file is collected', () => isCollected(lab, load.bytes));
  await collector.stop();
}
