import { divideRounded, formatDecimal } from './decimal.ts';
import type { Definition, Measure } from './definition.ts';
import type { Partial } from './partial.ts';

/** A decimal is a text, since it may be larger, or more exact, than a number of JSON; null where there is no value. */
export type Measured = number | string | null;

/** Value (as a number in units of 10^-scale, or a text) → how many transactions have it. */
export type Counts = ReadonlyMap<string, number>;

/** What all partitions together have of a group. */
export interface Combined {
  partial: Partial;
  /** By input, where values are kept. */
  counts: ReadonlyMap<number, Counts>;
}

export function measured({ measures }: Definition, combined: Combined): Record<string, Measured> {
  return Object.fromEntries(measures.map((measure) => [measure.column, valueOf(measure, combined)]));
}

function valueOf({ kind, input: index, scale, at }: Measure, { partial, counts }: Combined): Measured {
  const input = index === undefined ? undefined : partial.inputs[index];
  if (index === undefined || input === undefined) return partial.transactions;
  if (kind === 'count') return input.present;
  if (kind === 'sum') return formatDecimal(input.sum, scale);
  if (kind === 'avg')
    return input.present === 0 ? null : formatDecimal(divideRounded(input.sum, BigInt(input.present)), scale);
  const kept = counts.get(index) ?? new Map<string, number>();
  if (kind === 'distinct') return kept.size;
  const value = kind === 'quantile' ? nearestRank(kept, at) : extreme(kept, kind);
  return value === undefined ? null : formatDecimal(value, scale);
}

function extreme(counts: Counts, kind: 'min' | 'max'): bigint | undefined {
  let found: bigint | undefined;
  for (const text of counts.keys()) {
    const value = BigInt(text);
    if (found === undefined || (kind === 'min' ? value < found : value > found)) found = value;
  }
  return found;
}

/** The smallest value that at least this part of all is not above: of 10 values the median is the fifth. */
function nearestRank(counts: Counts, at: number): bigint | undefined {
  const sorted = [...counts].map(([text, count]) => ({ value: BigInt(text), count }));
  sorted.sort((a, b) => (a.value < b.value ? -1 : 1));
  const all = sorted.reduce((sum, { count }) => sum + count, 0);
  const rank = Math.max(1, Math.ceil(at * all));
  let passed = 0;
  return sorted.find(({ count }) => (passed += count) >= rank)?.value;
}

/** Column → how many transactions have a value that is no number, of those columns where some have. */
export function unusable(definition: Definition, combined: Combined): Record<string, number> {
  return byColumn(definition, combined, 'unusable', () => true);
}

/** Column → how many transactions have a value that was one too many to be kept. */
export function overBound(definition: Definition, combined: Combined): Record<string, number> {
  return byColumn(definition, combined, 'over', ({ kind }) => !BY_SUM.has(kind));
}

const BY_SUM: ReadonlySet<string> = new Set(['count', 'sum', 'avg']);

function byColumn(
  { measures }: Definition,
  { partial }: Combined,
  what: 'unusable' | 'over',
  concerns: (measure: Measure) => boolean,
): Record<string, number> {
  return Object.fromEntries(
    measures.flatMap((measure) => {
      const count = measure.input === undefined ? 0 : (partial.inputs[measure.input]?.[what] ?? 0);
      return count !== 0 && concerns(measure) ? [[measure.column, count]] : [];
    }),
  );
}
