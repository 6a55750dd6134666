import type { Inspector } from '../inspector.ts';
import type { Store } from '../lazy-sink.ts';
import type { SinkDeps } from '../sink.ts';
import { startRetention } from './retention.ts';
import type { Retentions } from './retention.ts';
import type { Table } from './tables.ts';
import { writeBatch } from './write-batch.ts';
import type { SqlStore } from './write-batch.ts';

/** What a SQL store does in its own way, besides storing rows. Each may throw what its driver throws: `meaningOf` tells what it means. */
export interface SqlParts extends SqlStore {
  /** Makes the tables, if they are not there. */
  migrate(signal: AbortSignal): Promise<void>;
  /** Deletes at most `rowsMax` of the rows that came before; see retention.ts. */
  deleteBefore(table: Table, before: string, rowsMax: number, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
  /** Throws what failures mean. */
  readonly inspector: Inspector;
}

/** A store out of the parts that a store brings. */
export function createSqlStore(
  parts: SqlParts,
  retentions: Retentions,
  { clock, logger }: Pick<SinkDeps, 'clock' | 'logger'>,
): Store {
  async function meant<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw parts.meaningOf(error);
    }
  }
  let retention: ReturnType<typeof startRetention> | undefined;
  return {
    open: async (signal) => {
      await meant(parts.migrate(signal));
      retention ??= startRetention({
        clock,
        logger,
        retentions,
        deleteBefore: (...args) => meant(parts.deleteBefore(...args)),
      });
    },
    write: async (batch, signal) => ({ refused: await writeBatch(parts, batch, signal) }),
    close: async () => {
      await retention?.stop();
      await parts.close();
    },
    inspector: parts.inspector,
  };
}
