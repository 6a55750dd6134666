import type { Clock } from '../../../common/clock.ts';

/** Scans at an interval, and sooner when something is known to have happened. */
export interface ScanLoop {
  /** Resolves when the input stops. */
  run(): Promise<void>;
  /** Scan soon. */
  soon(): void;
  /** Something was written to the file. */
  written(path: string): void;
}

export interface ScanLoopDeps {
  clock: Clock;
  intervalMs: number;
  stopping: AbortSignal;
  /** Never rejects. */
  readonly scan: () => Promise<void>;
  readonly poke: (path: string) => void;
}

/** Events are gathered for so long: a writer of single lines should not make batches of single logs. */
const GATHER_MS = 50;

/** Scans that events ask for take one part of the time in so many, however many files come and go. */
const SCAN_SHARE = 10;

export function createScanLoop({ clock, intervalMs, stopping, scan, poke }: ScanLoopDeps): ScanLoop {
  let wake = new AbortController();
  let scanWanted = false;
  let gatherMs = GATHER_MS;
  const written = new Set<string>();
  stopping.addEventListener('abort', () => wake.abort(), { once: true });

  async function turn(nextAt: number): Promise<number> {
    // No longer than the interval, should the clock be set back.
    await clock.sleep(Math.max(0, Math.min(nextAt - clock.now(), intervalMs)), wake.signal);
    const woken = wake.signal.aborted;
    if (woken) {
      await clock.sleep(Math.min(scanWanted ? gatherMs : GATHER_MS, intervalMs), stopping);
      wake = new AbortController();
    }
    if (stopping.aborted) return nextAt;
    for (const path of written) poke(path);
    written.clear();
    // Events that never cease must not keep a scan away.
    if (woken && !scanWanted && clock.now() < nextAt) return nextAt;
    scanWanted = false;
    const startedAt = clock.now();
    await scan();
    gatherMs = Math.max(GATHER_MS, (clock.now() - startedAt) * SCAN_SHARE);
    return clock.now() + intervalMs;
  }

  return {
    run: async () => {
      let nextAt = clock.now() + intervalMs;
      while (!stopping.aborted) nextAt = await turn(nextAt);
    },
    soon: () => {
      scanWanted = true;
      wake.abort();
    },
    written: (path) => {
      written.add(path);
      wake.abort();
    },
  };
}
