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
 * A batch that was begun stays as it is, since its token stands for exactly its rows: only what comes after it changes.
 */
export interface Pace {
  /** The bounds of a batch that is not begun yet. */
  batch(): BatchConfig;
  /** Batches that may be written at a time. */
  writes(): number;
  onPressure(pressure: Pressure): void;
  onStored(): void;
}

/** Smaller batches would only be more of them. */
const SIZE_MIN = 1 / 64;
/** A process that looks stuck is restarted: far less than its loops may be silent for. */
const DELAY_MS_MAX = 30_000;
const RECOVERY = 1.25;

export function createPace(configured: BatchConfig): Pace {
  const delayMax = Math.max(DELAY_MS_MAX, configured.delay_max);
  let size = 1;
  let delay = configured.delay_max;
  let writes = configured.writes_max;
  const react: Record<Pressure, () => void> = {
    memory: () => {
      size = Math.max(size / 2, SIZE_MIN);
      writes = 1;
    },
    parts: () => {
      delay = Math.min(delay * 2, delayMax);
    },
    requests: () => {
      writes = Math.max(writes / 2, 1);
    },
  };
  return {
    batch: () => ({
      ...configured,
      rows_max: Math.max(1, Math.floor(configured.rows_max * size)),
      bytes_max: Math.max(1, Math.floor(configured.bytes_max * size)),
      delay_max: delay,
    }),
    writes: () => Math.floor(writes),
    onPressure: (pressure) => react[pressure](),
    onStored: () => {
      size = Math.min(size * RECOVERY, 1);
      delay = Math.max(delay / RECOVERY, configured.delay_max);
      writes = Math.min(writes * RECOVERY, configured.writes_max);
    },
  };
}
