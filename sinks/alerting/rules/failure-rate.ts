import * as v from 'valibot';
import { wholeNumber } from '../../../common/config-values.ts';
import { createRateMeasure } from '../rate-measure.ts';
import { resolvesBelow, ruleEntries, windowOf } from '../rule.ts';
import type { RuleKind } from '../rule.ts';
import { selecting } from '../where.ts';

const PERCENT = /^(?:100|\d{1,2}(?:\.\d+)?)%$/;

/** `5%` → 0.05 */
const share = (description: string) =>
  v.pipe(
    v.string('must be a share in quotes, like 5% or 0.5%'),
    v.regex(PERCENT, 'must be a share from 0% to 100%, like 5% or 0.5%'),
    v.description(description),
    v.transform((text) => Number(text.slice(0, -1)) / 100),
  );

const config = v.pipe(
  v.strictObject({
    type: v.literal('failure_rate'),
    ...ruleEntries,
    ...selecting(['interface'], ['interface']),
    window: windowOf('5m'),
    above: v.optional(share('The share of those that ended above which it is too many: `5%`.'), '5%'),
    resolve_at: v.exactOptional(share('It is over at this share or less; `above` if not given.')),
    at_least: v.optional(
      wholeNumber(
        1,
        1_000_000_000,
        'Of fewer that ended within the window, no share is told: one of two is not 50%.',
      ),
      20,
    ),
    counts: v.optional(
      v.pipe(
        v.array(v.picklist(['failed', 'timed_out'], 'must be failed or timed_out')),
        v.minLength(1, 'must name failed, timed_out or both'),
        v.description('What counts as ended badly.'),
      ),
      ['failed', 'timed_out'],
    ),
  }),
  resolvesBelow(),
);
type Config = v.InferOutput<typeof config>;

/** The share of transactions that ended badly. */
export const failureRateRule = {
  type: 'failure_rate',
  summary:
    'The share of transactions that failed or timed out, of all that ended within `window`, is above `above`. One whose failure was cleared counts by what became of it then.',
  example: `- name: order-failure-rate
  type: failure_rate
  where: { interface: shop-order }
  window: 5m
  above: 5%
  resolve_at: 2%
`,
  config,
  lookBackMs: ({ window }) => window,
  bound: ({ above }) => above,
  create: (settings, { bucketMs }) => createRateMeasure(settings, bucketMs),
} satisfies RuleKind<Config>;
