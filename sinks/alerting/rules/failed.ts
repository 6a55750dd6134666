import * as v from 'valibot';
import { createCountingMeasure } from '../counting-measure.ts';
import { countBounds, resolvesBelow, ruleEntries, windowOf } from '../rule.ts';
import type { RuleKind } from '../rule.ts';
import { selecting } from '../where.ts';

const config = v.pipe(
  v.strictObject({
    type: v.literal('failed'),
    ...ruleEntries,
    ...selecting(
      ['interface', 'step', 'branch', 'error_code'],
      ['interface', 'step', 'branch', 'error_code'],
    ),
    window: windowOf('5m'),
    ...countBounds,
  }),
  resolvesBelow(),
);
type Config = v.InferOutput<typeof config>;

/** Transactions that failed. */
export const failedRule = {
  type: 'failed',
  summary:
    'Transactions failed: more than `above` within `window`. A failure that a later attempt has cleared does not count any more, so with `for` longer than retries take, only what stays failed is told.',
  example: `- name: order-failures
  type: failed
  where: { interface: 'shop-*' }
  for: 1m
  severity: critical
`,
  config,
  lookBackMs: ({ window }) => window,
  bound: ({ above }) => above,
  create: (settings, { bucketMs }) => createCountingMeasure('failed', settings, bucketMs),
} satisfies RuleKind<Config>;
