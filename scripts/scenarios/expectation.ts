import * as v from 'valibot';
import { wholeNumber } from '../../common/config-values.ts';
import { TRANSACTION_STATUSES } from '../../common/evaluate.ts';
import type { Summary, SummaryStep } from '../../common/summary.ts';
import { STATUSES } from '../../common/tracking-log.ts';
import { moment, sinceBeginning } from './moment.ts';

/** What a scenario expects of a summary: any of its fields, under its own names. null is "not known". */

const text = (description: string) =>
  v.exactOptional(v.nullable(v.pipe(v.string('must be a text'), v.description(description))));
const time = (description: string) => v.exactOptional(v.nullable(moment(description)));
const flag = (description: string) =>
  v.exactOptional(v.pipe(v.boolean('must be true or false'), v.description(description)));
const millis = (description: string) =>
  v.exactOptional(
    v.nullable(v.pipe(v.number('must be a number of milliseconds'), v.description(description))),
  );

const stepStatuses = STATUSES.filter((status) => status !== 'info');

/** A field that a summary's step gains must be named here, too: the compiler says so. */
const stepEntries = {
  step: v.pipe(v.string('must be the name of a step'), v.description('Which step is meant.')),
  branch: v.optional(
    v.pipe(v.string('must be the name of a branch'), v.description('Which of its branches.')),
    '',
  ),
  attempt: v.exactOptional(wholeNumber(1, 1_000_000, 'The newest attempt.')),
  status: v.exactOptional(
    v.pipe(
      v.picklist(stepStatuses, `must be one of ${stepStatuses.join(', ')}`),
      v.description('What the step says of itself.'),
    ),
  ),
  started_at: time('Its earliest log, less the duration that the log reports.'),
  ended_at: time('Its latest end; not known while it has only started.'),
  duration_ms: millis('How long it took.'),
  queue_ms: millis('From the end of the expected step before it to its start.'),
  node: text('The machine that reported.'),
  error_code: text('Code of its failure.'),
  error_message: text('Its failure in words.'),
  expected: flag('Whether its flow expects it.'),
} satisfies Record<keyof SummaryStep, v.GenericSchema>;

const mapValue = v.pipe(
  v.union([v.string(), v.number(), v.boolean()], 'must be a text, a number, a boolean or null'),
  v.transform(String),
);

/** `version` is not among them: it counts changes, and how many there are depends on the order. */
const summaryEntries = {
  transaction_id: text('Its id.'),
  interface_id: text('Its interface.'),
  parent_transaction_id: text('The transaction that it was split off from.'),
  source_system: text('Where the message comes from.'),
  target_system: text('Where it goes to.'),
  status: v.exactOptional(
    v.pipe(
      v.picklist(TRANSACTION_STATUSES, `must be one of ${TRANSACTION_STATUSES.join(', ')}`),
      v.description('What became of the transaction.'),
    ),
  ),
  started_at: time('The earliest time that its logs tell of.'),
  ended_at: time('The latest end of a step, once it is completed or failed.'),
  last_event_at: time('The time of its newest log.'),
  duration_ms: millis('From its start to its end.'),
  steps_expected: v.exactOptional(wholeNumber(0, 10_000, 'Steps and branches that its flow expects.')),
  steps_finished: v.exactOptional(wholeNumber(0, 10_000, 'How many of them are done.')),
  steps: v.exactOptional(
    v.pipe(
      v.array(v.strictObject(stepEntries, 'must be an object'), 'must be a list of steps'),
      v.minLength(1, 'must name at least one step'),
      v.description('Some of its steps, each found by `step` and `branch`.'),
    ),
  ),
  last_step: text('The step of the newest log that says what a step did.'),
  error_step: text('The step that failed first.'),
  error_branch: text('The branch of it.'),
  error_code: text('Code of the first failure.'),
  error_message: text('The first failure in words.'),
  error_at: time('When it happened.'),
  business_keys: v.exactOptional(
    v.pipe(
      v.record(v.string(), v.nullable(mapValue), 'must be an object of texts'),
      v.description('Some of its business keys; null for one that it must not have.'),
    ),
  ),
  late: flag('Whether a deadline ever passed before it was completed or failed.'),
  cut: flag('Whether it has more steps or keys than a summary holds.'),
  deadline_at: time('The deadline that it waits for.'),
  created_at: time('When its first log was collected.'),
  updated_at: time('When it changed last.'),
} satisfies Record<Exclude<keyof Summary, 'version'>, v.GenericSchema>;

/** One look at the transaction. */
export const lookSchema = v.pipe(
  v.strictObject(
    {
      at: v.exactOptional(
        sinceBeginning(
          'How long after the first log was collected the transaction is looked at. What was collected by then is there, and deadlines that were due by then have passed. Without it: when the last log has just been collected.',
        ),
      ),
      ...summaryEntries,
    },
    'must be an object',
  ),
  v.check(({ at: _, ...fields }) => Object.keys(fields).length > 0, 'must say what is expected'),
);
export type Look = v.InferOutput<typeof lookSchema>;
