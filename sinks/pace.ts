import type { StreamKind } from '../common/redis/keys.ts';
import type { BatchConfig } from './config.ts';
import type { Pressure } from './pressure.ts';

/**
 * How much a store gets at a time, by what it can bear; one for all streams of a sink. Whatever it complains of is halved, or
 * doubled, at once, and comes back by a quarter with each batch that it takes: seconds after it has recovered all is as configured.
 *
 * - `memory`: batches are smaller, and written one at a time.
 * - `parts`: batches wait longer for more rows, so that fewer come.
 * - `requests`: fewer are written at a time.
 *
 * While it complains of nothing, batches wait for more rows in proportion to what a write takes and how many streams write: a store at
 * leisure has rows soon, and one that is busy gets fewer and larger batches.
 *
 * A batch that was begun stays as it is, since its token stands for exactly its rows: only what comes after it changes.
 */
export interface Pace {
  /** A stream of this kind is carried from here on, until what is returned is called. */
  begin(kind: StreamKind): () => void;
  /** The bounds of a batch that is not begun yet. */
  batch(): BatchConfig;
  /** Batches that may be written at a time. */
  writes(): number;
  onPressure(pressure: Pressure): void;
  /** @param tookMs how long the store took for a batch. */
  onStored(tookMs: number): void;
}

/** Smaller batches would only be more of them. */
const SIZE_MIN = 1 / 64;
/** A process that looks stuck is restarted: far less than its loops may be silent for. */
const DELAY_MS_MAX = 30_000;
const RECOVERY = 1.25;
/** Of the delay that is configured, however quick a store is: by default a second, and what keeps tables in parts wants no more batches than that. */
const LEISURE_SHARE_MIN = 1 / 4;
/** What the last write counts for in how long writes take. */
const NEWEST_SHARE = 0.2;

/** @param joint whether all streams of a kind write together, as if they were one. */
export function createPace(configured: BatchConfig, { joint = false }: { joint?: boolean } = {}): Pace {
  const delayMax = Math.max(DELAY_MS_MAX, configured.delay_max);
  let size = 1;
  /** 1 while there are not too many parts. */
  let stretch = 1;
  let writeMs = 0;
  /** Of each kind. */
  const streams: Record<StreamKind, number> = { log: 0, summary: 0, dead_letter: 0 };
  let writes = configured.writes_max;
  const react: Record<Pressure, () => void> = {
    memory: () => {
      size = Math.max(size / 2, SIZE_MIN);
      writes = 1;
    },
    parts: () => {
      stretch = Math.min(stretch * 2, delayMax / configured.delay_max);
    },
    requests: () => {
      writes = Math.max(writes / 2, 1);
    },
  };
  const writers = () => {
    const counts = Object.values(streams);
    return joint ? counts.filter((count) => count > 0).length : counts.reduce((sum, count) => sum + count, 0);
  };
  const delay = () => {
    if (stretch > 1) return configured.delay_max * stretch;
    // Then all of them together write about twice as long as they wait, which a store does for two at a time.
    return Math.min(
      Math.max((writers() * writeMs) / 2, configured.delay_max * LEISURE_SHARE_MIN),
      configured.delay_max,
    );
  };
  return {
    begin: (kind) => {
      streams[kind] += 1;
      return () => {
        streams[kind] -= 1;
      };
    },
    batch: () => ({
      ...configured,
      rows_max: Math.max(1, Math.floor(configured.rows_max * size)),
      bytes_max: Math.max(1, Math.floor(configured.bytes_max * size)),
      delay_max: delay(),
    }),
    writes: () => Math.floor(writes),
    onPressure: (pressure) => react[pressure](),
    onStored: (tookMs) => {
      writeMs += (tookMs - writeMs) * NEWEST_SHARE;
      size = Math.min(size * RECOVERY, 1);
      stretch = Math.max(stretch / RECOVERY, 1);
      writes = Math.min(writes * RECOVERY, configured.writes_max);
    },
  };
}
