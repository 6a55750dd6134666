import * as v from 'valibot';
import { duration, wholeNumber } from '../../../common/config-values.ts';

/** Settings that rules about times share. */
export const timesEntries = {
  quantile: v.optional(
    v.pipe(
      v.number('must be a number from 0.5 to 0.999, like 0.95'),
      v.minValue(0.5, 'must be at least 0.5'),
      v.maxValue(0.999, 'must be at most 0.999'),
      v.description(
        'Which quantile: 0.95 is p95, the time that 95 of 100 keep within. It is off by at most 2.5%.',
      ),
    ),
    0.95,
  ),
  above: v.pipe(duration('The time above which it is too long.'), v.minValue(1, 'must not be 0')),
  resolve_at: v.exactOptional(duration('It is over at this time or less; `above` if not given.')),
  at_least: v.optional(
    wholeNumber(
      1,
      1_000_000_000,
      'Of fewer within the window no quantile is told: nothing begins, and nothing is over.',
    ),
    10,
  ),
};

/** `grows_by` and `baseline`: compared with what is usual. */
export const growthEntries = {
  grows_by: v.exactOptional(
    v.pipe(
      v.number('must be a number, like 2'),
      v.minValue(1, 'must be at least 1'),
      v.maxValue(1000, 'must be at most 1000'),
      v.description(
        'Besides being above `above`, it must be more than so many times what it was in `baseline` before the window: it grows.',
      ),
    ),
  ),
  baseline: v.optional(
    v.pipe(
      duration('The stretch before the window that tells what is usual, for `grows_by`; at most 24h.'),
      v.minValue(1, 'must not be 0'),
      v.maxValue(86_400_000, 'must be at most 24h'),
    ),
    '1h',
  ),
};

export function lookBackOf({
  window,
  grows_by,
  baseline,
}: {
  window: number;
  grows_by?: number;
  baseline: number;
}): number {
  return window + (grows_by === undefined ? 0 : baseline);
}
