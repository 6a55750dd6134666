import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import { epochOf } from '../../common/redis/claim-scripts.ts';
import type { Claim } from '../../common/redis/claims.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { closesAt, closeWindows } from './closing.ts';
import { readDirty } from './dirty.ts';
import { combine } from './combine.ts';
import { refuseReplaced, ReplacedError } from './definitions.ts';
import type { Definitions } from './definitions.ts';
import type { Generation } from './lane-keys.ts';
import { isLaidOut, layOut, partitionsEver } from './layout.ts';
import type { InsightMetrics } from './metrics.ts';
import { readProgress } from './progress.ts';
import type { Progress } from './progress.ts';
import { createPublisher } from './publish.ts';
import type { Publisher } from './publish.ts';
import type { WindowRecord } from './rows.ts';
import { createSweeper } from './sweeper.ts';
import type { Sweeper } from './sweeper.ts';
import { lossesOf, readRecord, readWindows } from './window-records.ts';

/** What puts the partitions of all insights together, in one process of the deployment. */
export interface CombinerDeps {
  redis: RedisClient;
  keys: Keys;
  /** How many there are; of one holder of the claim, how many there ever were. */
  partitions: number;
  /** The sink's consumer group. */
  group: string;
  definitions: Definitions;
  /** Whether rows wait for a table. */
  withTable: boolean;
  clock: Clock;
  logger: Logger;
  metrics: InsightMetrics;
}

/** How often changes are published: a group that changes all the time is published so often. */
const PUBLISH_MS = 1_000;
const REPLACED_PAUSE_MS = 10_000;

/** One holder of the claim. */
export interface Combining extends CombinerDeps {
  publisher: Publisher;
  fence: number;
  sweeper: Sweeper;
  signal: AbortSignal;
}

/**
 * Until the claim ends: (how far is each partition → publish what has changed → close windows whose time is over → forget what nobody needs)*
 *
 * Whatever ends it at whatever moment, the next holder goes on: what has changed stays noted until it was published, and a row that was published is
 * published again with no harm.
 */
export async function combineWhileClaimed(
  deps: CombinerDeps,
  claim: Claim,
  onTurn: () => void,
): Promise<void> {
  const { redis, keys, clock, definitions } = deps;
  const fence = epochOf(claim.token);
  await refuse(deps, claim.signal);
  if (!(await isLaidOut(deps))) {
    const moved = await layOut(deps, definitions.current(), fence, claim.signal);
    if (claim.signal.aborted) return;
    deps.logger.info({ moved }, 'transactions are remembered in their new partitions');
    await definitions.record();
  }
  const combining: Combining = {
    ...deps,
    partitions: await partitionsEver(deps),
    publisher: await createPublisher(redis, keys, fence, deps.withTable),
    fence,
    sweeper: createSweeper(deps),
    signal: claim.signal,
  };
  const done = new Map<string, string>();
  while (!claim.signal.aborted) {
    await refuse(deps, claim.signal);
    const progress = await Promise.all(
      Array.from({ length: deps.partitions }, (_, partition) =>
        readProgress(redis, keys, partition, deps.group),
      ),
    );
    const versions = progress.map(({ version }) => version).join();
    for (const generation of definitions.current()) {
      const { name } = generation.definition;
      if (done.get(name) !== versions) await publishChanges(combining, generation);
      done.set(name, versions);
      await closeDue(combining, generation, progress);
      if (claim.signal.aborted) return;
    }
    await combining.sweeper.sweepWhenDue(definitions.current(), progress, claim.signal);
    onTurn();
    await clock.sleep(PUBLISH_MS, claim.signal);
  }
}

/** Throws a RetriableError when this process' definitions are replaced, after a pause: it is told each time, and nothing but a restart mends it. */
async function refuse({ definitions, clock }: CombinerDeps, signal: AbortSignal): Promise<void> {
  try {
    await refuseReplaced(definitions);
  } catch (error) {
    if (error instanceof ReplacedError) await clock.sleep(REPLACED_PAUSE_MS, signal);
    throw error;
  }
}

/** Publishes every group that has changed in any partition. */
async function publishChanges(combining: Combining, generation: Generation): Promise<void> {
  const { redis, keys, partitions, clock, publisher, metrics, signal } = combining;
  const { name } = generation.definition;
  for (let partition = 0; partition < partitions; partition += 1) {
    for await (const { windows, forget } of readDirty(redis, keys, partition, generation)) {
      for (const [window, { groups, losses }] of windows) {
        const record = await readRecord(combining, generation, window);
        if (losses) await addLosses(combining, generation, window, record);
        // A closed window's rows were published when it was closed.
        const open = record.state === 'open' ? groups : [];
        const published = await publisher.publish({
          generation,
          window,
          record,
          groups: await combine(redis, keys, partitions, generation, window, open),
          tellWindow: losses,
          now: clock.now(),
        });
        metrics.published.inc({ insight: name }, published);
      }
      await forget();
      if (signal.aborted) return;
    }
  }
}

async function addLosses(
  combining: Combining,
  generation: Generation,
  window: number,
  record: WindowRecord,
): Promise<void> {
  Object.assign(record, await lossesOf(combining, generation, window));
  if (record.state === 'final' || record.late === 0) return;
  // Further back than the history a window is never opened, and so never closed.
  if (!(await readWindows(combining, generation)).has(window)) record.state = 'final';
}

async function closeDue(
  combining: Combining,
  generation: Generation,
  progress: readonly Progress[],
): Promise<void> {
  const { definition } = generation;
  const windows = await readWindows(combining, generation);
  const countedTo = Math.min(...progress.map((partition) => partition.countedTo));
  const due = [...windows]
    .filter(([window, firstSeen]) => closesAt(definition, window, firstSeen) <= countedTo)
    .map(([window]) => window);
  combining.metrics.open.set({ insight: definition.name }, windows.size - due.length);
  if (due.length > 0) await closeWindows(combining, generation, due, countedTo);
}
