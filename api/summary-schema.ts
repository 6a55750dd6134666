import * as v from 'valibot';
import type { Summary } from '../common/summary.ts';

/** A summary as the API answers it: the fields of `common/summary.ts`, told to the OpenAPI document. */

const text = (description: string) => v.pipe(v.string(), v.description(description));
const count = (description: string) =>
  v.pipe(v.number(), v.integer(), v.minValue(0), v.description(description));
const time = (description: string) => v.pipe(v.string(), v.isoTimestamp(), v.description(description));
const timeOrNull = (description: string) =>
  v.pipe(v.nullable(v.pipe(v.string(), v.isoTimestamp())), v.description(description));
const msOrNull = (description: string) => v.pipe(v.nullable(v.number()), v.description(description));

export const TRANSACTION_STATUSES = ['in_progress', 'completed', 'failed', 'timed_out'] as const;

const stepSchema = v.strictObject({
  step: text('The process that reports: send, hub, receive or any other name.'),
  branch: text('Which of several at one step; empty where there is one.'),
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1), v.description('The newest attempt: it decides.')),
  status: v.pipe(
    v.picklist(['started', 'succeeded', 'failed', 'skipped']),
    v.description('What the step says of itself.'),
  ),
  started_at: time('The earliest sign of the step, over all attempts.'),
  ended_at: timeOrNull('Its latest end; null while it has only started.'),
  duration_ms: msOrNull('Its own time; null while it has only started.'),
  queue_ms: msOrNull(
    'From the end of the expected step before it to its start; negative where clocks differ.',
  ),
  node: text('The machine or EAI node that reports.'),
  error_code: text('Code of the failure.'),
  error_message: text('The failure in words.'),
  expected: v.pipe(v.boolean(), v.description('Whether the flow names the step.')),
});

export const summarySchema = v.strictObject({
  transaction_id: text('The business transaction.'),
  interface_id: text('The kind of exchange; it picks the flow.'),
  parent_transaction_id: text('The transaction that this one was split off from; empty if none.'),
  source_system: text('The system that the message comes from.'),
  target_system: text('The system that the message goes to.'),
  status: v.pipe(v.picklist(TRANSACTION_STATUSES), v.description('What the flow makes of the logs so far.')),
  started_at: time("The earliest sign of any step, by the nodes' clocks."),
  ended_at: timeOrNull('The latest end of a step, once completed or failed.'),
  last_event_at: time('Time of the newest log.'),
  duration_ms: msOrNull('From started_at to ended_at.'),
  steps_expected: count('Steps (and branches) that the flow expects.'),
  steps_finished: count('Of these, how many have succeeded or were skipped.'),
  steps: v.pipe(
    v.array(stepSchema),
    v.description("In the flow's order, then unexpected ones as they started."),
  ),
  last_step: text('The step of the newest log.'),
  error_step: text('Step of the first failure, also when a later attempt cleared it.'),
  error_branch: text('Branch of the first failure.'),
  error_code: text('Code of the first failure.'),
  error_message: text('Words of the first failure.'),
  error_at: timeOrNull('Time of the first failure.'),
  business_keys: v.pipe(
    v.record(v.string(), v.string()),
    v.description('What people search by: order number, account, …'),
  ),
  late: v.pipe(
    v.boolean(),
    v.description('True for ever once a deadline passed before the transaction was completed or failed.'),
  ),
  cut: v.pipe(v.boolean(), v.description('True if there were more steps or keys than a summary holds.')),
  deadline_at: timeOrNull('The next deadline that is not met yet.'),
  version: count(
    'Grows by one with every change; of two of one transaction with one created_at the greater is the truth.',
  ),
  created_at: time('When the first log was collected; never changes.'),
  updated_at: time('When this revision came to be.'),
}) satisfies v.GenericSchema<Summary>;
