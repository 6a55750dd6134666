import { join } from 'node:path';
import { PROCESSOR_GROUP } from '../common/redis/groups.ts';
import { openLab } from './lab.ts';
import type { Lab } from './lab.ts';
import { collect, emptyRedis } from './load.ts';
import { progress, whole } from './report.ts';
import type { Report } from './report.ts';
import { FATES, SIZES, SIZING_FLOWS, STEPS, writeSized } from './sizing-load.ts';
import type { Fate, Size } from './sizing-load.ts';
import { sizingTables } from './sizing-report.ts';
import { isDrained, keys } from './streams.ts';
import { until } from './until.ts';

/** Part `sizing`: what logs and transactions cost in Redis' memory, as differences of its `used_memory`. */

const TRANSACTIONS = 20_000;

/** Bytes of Redis' memory. */
export interface Cost {
  size: Size;
  fate: Fate;
  /** A log as it is sent, as a JSON line. */
  linePerLog: number;
  /** A log in its stream. */
  streamPerLog: number;
  /** A published revision in the summary stream. */
  summaryPerRevision: number;
  /** What is kept of a transaction: its record, and the deadline that is watched if there is one. */
  perTransaction: number;
}

/** Each figure once: memory hardly differs from run to run. */
export async function measureSizing(dir: string): Promise<Report> {
  const lab = await openLab(dir, { flows: SIZING_FLOWS });
  const costs: Cost[] = [];
  try {
    for (const size of SIZES) {
      for (const fate of FATES) {
        const file = join(dir, `${size}-${fate}.ndjson`);
        const bytes = await writeSized(file, size, fate, TRANSACTIONS);
        const cost = await measureCost(lab, { size, fate, file, bytes });
        progress(`${size}, ${fate}: ${whole(cost.perTransaction)} bytes a transaction`);
        costs.push(cost);
      }
    }
  } finally {
    await lab.stop();
  }
  return { figures: costs, text: sizingTables(costs) };
}

async function measureCost(
  lab: Lab,
  { size, fate, file, bytes }: { size: Size; fate: Fate; file: string; bytes: number },
): Promise<Cost> {
  await emptyRedis(lab);
  const empty = await usedMemory(lab);
  await collect(lab, { file, bytes }, 'sized');
  const processor = await lab.start('processor');
  await until('the load is merged', () => isDrained(lab, PROCESSOR_GROUP));
  await processor.stop();
  const revisions = await countRevisions(lab);
  const all = await usedMemory(lab);
  await deleteStreams(lab, 'log');
  const withoutLogs = await usedMemory(lab);
  await deleteStreams(lab, 'summary');
  const withoutStreams = await usedMemory(lab);
  const logs = TRANSACTIONS * STEPS.length;
  return {
    size,
    fate,
    linePerLog: bytes / logs,
    streamPerLog: (all - withoutLogs) / logs,
    summaryPerRevision: (withoutLogs - withoutStreams) / revisions,
    perTransaction: (withoutStreams - empty) / TRANSACTIONS,
  };
}

async function usedMemory({ redisClient }: Lab): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redisClient.info('memory'))?.[1]);
}

async function deleteStreams({ redisClient, partitions }: Lab, kind: 'log' | 'summary'): Promise<void> {
  for (let partition = 0; partition < partitions; partition += 1) {
    await redisClient.del(keys.stream(partition, kind));
  }
}

/** Also that every transaction has one: a figure of a run that lost some would be worth nothing. */
async function countRevisions({ redisClient, partitions }: Lab): Promise<number> {
  let revisions = 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    for (const [, fields] of await redisClient.xrange(keys.stream(partition, 'summary'), '-', '+')) {
      revisions += Number(fields[fields.indexOf('n') + 1]);
    }
  }
  if (revisions < TRANSACTIONS) throw new Error(`${revisions} revisions of ${TRANSACTIONS} transactions`);
  return revisions;
}
