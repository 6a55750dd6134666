import type { Clock } from '../../common/clock.ts';
import { describeError, FatalError, RetriableError } from '../../common/errors.ts';
import type { StreamKind } from '../../common/redis/keys.ts';
import type { Logger } from '../../common/logger.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import { TABLES } from './tables.ts';
import type { Table } from './tables.ts';

/** How long rows are kept, in milliseconds; undefined for ever. */
export type Retentions = Readonly<Record<StreamKind, number | undefined>>;

export interface RetentionDeps {
  clock: Clock;
  logger: Logger;
  retentions: Retentions;
  /**
   * Deletes at most `rowsMax` rows of a table that came, or changed, before a time (canonical). Returns how many; 0 too if another process is
   * at it.
   */
  deleteBefore: (table: Table, before: string, rowsMax: number, signal: AbortSignal) => Promise<number>;
}

/** How often it is looked for what has expired. */
const ROUND_MS = 60_000;
/** So many rows at a time, that no lock is held for long, and a pause between, that those who write and ask come first. */
const ROWS_MAX = 5_000;
const PAUSE_MS = 50;

/** Deletes what has expired, a little at a time, until it is stopped. One process at a time does it, whoever comes first. */
export function startRetention(deps: RetentionDeps): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const done = run(deps, stopping.signal);
  return {
    stop: async () => {
      stopping.abort();
      await done;
    },
  };
}

async function run(
  { clock, logger, retentions, deleteBefore }: RetentionDeps,
  signal: AbortSignal,
): Promise<void> {
  const finite = Object.values(TABLES).flatMap((table) => {
    const keepMs = retentions[table.stream];
    return keepMs === undefined ? [] : [{ table, keepMs }];
  });
  if (finite.length === 0) return;
  while (!signal.aborted) {
    try {
      for (const { table, keepMs } of finite) {
        const before = timestampFromMillis(Math.max(clock.now() - keepMs, 0));
        while (!signal.aborted && (await deleteBefore(table, before, ROWS_MAX, signal)) === ROWS_MAX) {
          await clock.sleep(PAUSE_MS, signal);
        }
      }
    } catch (error) {
      if (!(error instanceof RetriableError || error instanceof FatalError)) throw error;
      // What has expired may wait: writes tell by themselves if the store is in trouble, and the next round tries again.
      if (!signal.aborted) logger.warn({ error: describeError(error) }, 'expired rows are not deleted yet');
    }
    await clock.sleep(ROUND_MS, signal);
  }
}
