import * as v from 'valibot';
import { partName } from '../../../common/config-values.ts';
import { ruleEntries, windowOf } from '../rule.ts';
import type { RuleKind } from '../rule.ts';
import { createSilenceMeasure } from '../silence-measure.ts';
import { selecting } from '../where.ts';

const config = v.strictObject({
  type: v.literal('no_transactions'),
  ...ruleEntries,
  ...selecting(['interface'], ['interface']),
  window: windowOf(
    '10m',
    'For how long nothing may begin, in business time if there is a `calendar`; at most 24h.',
  ),
  calendar: v.exactOptional(
    partName(
      'Name of a calendar: only its hours count. Silence that began before they end goes on when they begin again.',
    ),
  ),
});
type Config = v.InferOutput<typeof config>;

/** Interfaces of which nothing comes. */
export const noTransactionsRule = {
  type: 'no_transactions',
  summary:
    'No transaction has begun for `window`, in the business hours of `calendar`. It goes by when logs were collected, so an outage of processors or sinks is not taken for silence. Interfaces that are named are watched from the beginning, those of a pattern once they have been seen (the first 5000).',
  example: `- name: orders-silent
  type: no_transactions
  where: { interface: shop-order }
  window: 10m
  calendar: seoul-office
`,
  config,
  // What it must know of former days is kept with the states of alerts.
  lookBackMs: () => 0,
  bound: ({ window }) => window,
  create: (settings, { bucketMs, calendar }) =>
    createSilenceMeasure(
      settings,
      settings.calendar === undefined ? () => true : calendar(settings.calendar),
      bucketMs,
    ),
} satisfies RuleKind<Config>;
