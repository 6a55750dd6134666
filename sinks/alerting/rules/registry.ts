import type * as v from 'valibot';
import { anyOf, createPart } from '../../../common/component.ts';
import type { Measure, RuleDeps } from '../rule.ts';
import { deadLettersRule } from './dead-letters.ts';
import { durationQuantileRule } from './duration-quantile.ts';
import { failedRule } from './failed.ts';
import { failureRateRule } from './failure-rate.ts';
import { noTransactionsRule } from './no-transactions.ts';
import { queueTimeRule } from './queue-time.ts';
import { slowRule } from './slow.ts';
import { timedOutRule } from './timed-out.ts';

/** Every kind of rule by its `type`. A new one is one file and one line here. */
export const ruleKinds = {
  failed: failedRule,
  timed_out: timedOutRule,
  slow: slowRule,
  failure_rate: failureRateRule,
  no_transactions: noTransactionsRule,
  duration_quantile: durationQuantileRule,
  dead_letters: deadLettersRule,
  queue_time: queueTimeRule,
};

/** The schema of an entry of `alerts.rules`. */
export const ruleSchema = anyOf(ruleKinds);
/** The config of any rule. */
export type RuleConfig = v.InferOutput<typeof ruleSchema>;

export function createMeasure(config: RuleConfig, deps: RuleDeps): Measure {
  return createPart<RuleDeps, Measure>(ruleKinds, config, deps);
}

/** How far back a rule looks, in ms. */
export function lookBackOf(config: RuleConfig): number {
  return (ruleKinds[config.type].lookBackMs as (config: RuleConfig) => number)(config);
}

/** The bound that a rule's value is compared with. */
export function boundOf(config: RuleConfig): number {
  return (ruleKinds[config.type].bound as (config: RuleConfig) => number)(config);
}
