import { seededRandom } from '../../scripts/seeded-random.ts';

/** What is done to the replicas of a role and when: the same seed gives the same plan. */

/**
 * - `kill`: SIGKILL; it is started again some time later.
 * - `pause`: SIGSTOP until everything it held is another's, and some time more; then SIGCONT.
 * - `doze`: SIGSTOP for less than its claims last, then SIGCONT: it may go on as if nothing had been.
 * - `restart`: SIGTERM, as a deployment does; it is started again at once.
 */
export type Deed = 'kill' | 'pause' | 'doze' | 'restart';

export interface Act {
  /** Since the beginning of the run. */
  atMs: number;
  deed: Deed;
  /** Replicas by number, in the order of preference: the first that can be had is the victim. */
  victims: readonly number[];
  /** How long it stays away, or asleep, beyond what the deed says. */
  thenMs: number;
}

export interface PlanOptions {
  seed: number;
  ms: number;
  replicas: number;
}

/** Mean pause between two acts; some come together. */
const GAP_MS_MIN = 300;
const GAP_MS_MAX = 3_000;
const TOGETHER = 0.2;
/** Time for the last act to have its effect under load. */
const QUIET_MS = 2_000;
const THEN_MS_MAX = 1_400;

export function planActs({ seed, ms, replicas }: PlanOptions): Act[] {
  const random = seededRandom(seed);
  const acts: Act[] = [];
  for (let atMs = GAP_MS_MIN; atMs < ms - QUIET_MS; atMs += gap(random)) {
    acts.push({
      atMs: Math.round(atMs),
      deed: deedOf(acts.length, random()),
      victims: shuffle(
        Array.from({ length: replicas }, (_, replica) => replica),
        random,
      ),
      thenMs: Math.round(random() * THEN_MS_MAX),
    });
  }
  return acts;
}

function gap(random: () => number): number {
  return random() < TOGETHER ? 0 : GAP_MS_MIN + random() * (GAP_MS_MAX - GAP_MS_MIN);
}

/** However short a run is, it kills and pauses. */
function deedOf(index: number, roll: number): Deed {
  if (index === 0) return 'kill';
  if (index === 1) return 'pause';
  if (roll < 0.4) return 'kill';
  if (roll < 0.7) return 'pause';
  return roll < 0.9 ? 'doze' : 'restart';
}

/** Fisher and Yates, in place. */
export function shuffle<T>(items: T[], random: () => number): T[] {
  for (let i = items.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
  return items;
}
