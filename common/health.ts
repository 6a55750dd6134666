import type { Clock } from './clock.ts';

/**
 * Whether the process is getting work done, which is more than being alive: a loop that hangs keeps its sockets and its
 * timers, and would look well for days.
 *
 * Of each part: idle ──begin or progress──▶ working ──idle──▶ idle; working without progress for longer than its bound
 * is stalled, until progress is made again. A part that ended for good is removed.
 */
export interface Health {
  /**
   * Adds a part, idle at first. Parts have names of their own; a name that is used again replaces its forerunner.
   *
   * @param stallMs how long the part may be at work without progress before it counts as stalled.
   */
  part(name: string, stallMs: number): HealthPart;
  report(): HealthReport;
}

export interface HealthPart {
  /** There is work from now on. Called again while it works, it changes nothing. */
  begin(): void;
  /** Some work got done, or a turn of the loop came round: counts as `begin` if the part was idle. */
  progress(): void;
  /** Nothing to do: waiting for ever is all right now. */
  idle(): void;
  /** The part is gone. Safe twice. */
  remove(): void;
}

export interface HealthReport {
  healthy: boolean;
  parts: PartReport[];
}

export interface PartReport {
  name: string;
  state: 'idle' | 'working' | 'stalled';
  /** Since the last progress, or since the work began; null while idle. */
  quiet_ms: number | null;
}

interface PartState {
  stallMs: number;
  /** ms since 1970 of the last progress; null while idle. */
  progressAt: number | null;
}

export function createHealth(clock: Pick<Clock, 'now'>): Health {
  const parts = new Map<string, PartState>();
  return {
    part: (name, stallMs) => {
      const state: PartState = { stallMs, progressAt: null };
      parts.set(name, state);
      return {
        begin: () => {
          state.progressAt ??= clock.now();
        },
        progress: () => {
          state.progressAt = clock.now();
        },
        idle: () => {
          state.progressAt = null;
        },
        remove: () => {
          if (parts.get(name) === state) parts.delete(name);
        },
      };
    },
    report: () => {
      const now = clock.now();
      const reports = [...parts].map(([name, state]) => reportOf(name, state, now));
      return { healthy: reports.every((part) => part.state !== 'stalled'), parts: reports };
    },
  };
}

function reportOf(name: string, { stallMs, progressAt }: PartState, now: number): PartReport {
  if (progressAt === null) return { name, state: 'idle', quiet_ms: null };
  const quiet = Math.max(0, now - progressAt);
  return { name, state: quiet > stallMs ? 'stalled' : 'working', quiet_ms: quiet };
}
