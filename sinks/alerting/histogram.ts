/**
 * Quantiles of durations from counts: bin i holds what is in (GROWTH^(i-1), GROWTH^i] ms, so counts of partitions and buckets simply add up, and what is
 * read from them is off by at most RELATIVE_ERROR. The way of DDSketch: https://arxiv.org/abs/1908.10693
 */

/** Of a quantile. */
export const RELATIVE_ERROR = 0.025;
const GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GROWTH = Math.log(GROWTH);
/** 33 days: what is longer counts as that. */
const MS_MAX = 2 ** 31 * 1.33;

/** @param ms what is 1 ms or less, negative too (clocks differ), is in bin 0. */
export function binOf(ms: number): number {
  if (!(ms > 1)) return 0;
  return Math.ceil(Math.log(Math.min(ms, MS_MAX)) / LOG_GROWTH);
}

/** The value, in ms, that stands for a bin: within RELATIVE_ERROR of everything in it. */
export function valueOfBin(bin: number): number {
  return bin === 0 ? 0 : (2 * GROWTH ** bin) / (GROWTH + 1);
}

/**
 * @param bins bin → how many.
 * @param q 0 to 1.
 * @returns undefined if there are none.
 */
export function quantileOf(bins: ReadonlyMap<number, number>, q: number): number | undefined {
  const sorted = [...bins].filter(([, n]) => n > 0).sort(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, n]) => sum + n, 0);
  if (total === 0) return undefined;
  const rank = Math.max(1, Math.ceil(q * total));
  let seen = 0;
  for (const [bin, n] of sorted) {
    seen += n;
    if (seen >= rank) return valueOfBin(bin);
  }
  return valueOfBin(sorted.at(-1)?.[0] ?? 0);
}
