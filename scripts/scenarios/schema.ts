import * as v from 'valibot';
import { pathTo, unique } from '../../common/config-values.ts';
import type { TrackingLog } from '../../common/tracking-log.ts';
import { LIMITS, trackingLogSchema } from '../../common/tracking-log.ts';
import { cutToBytes } from '../../common/text.ts';
import { lookSchema } from './expectation.ts';
import type { Look } from './expectation.ts';
import { logSchema, trackingLogOf } from './log.ts';
import type { WrittenLog } from './log.ts';

/** A file of scenarios: logs of one transaction each, and what must become of it. */

const LOGS_MAX = 200;
const LOOKS_MAX = 50;
const SCENARIOS_MAX = 1000;

const looksSchema = v.pipe(
  v.array(lookSchema),
  v.minLength(1, 'must have at least one look'),
  v.maxLength(LOOKS_MAX, `must have at most ${LOOKS_MAX} looks`),
);

/** As it is written. */
export const scenarioSchema = v.strictObject(
  {
    name: v.pipe(
      v.string('must be a text'),
      v.nonEmpty('must not be empty'),
      v.description('What the scenario shows, in words.'),
    ),
    interface_id: v.exactOptional(
      v.pipe(
        trackingLogSchema.entries.interface_id.wrapped,
        v.description(
          'The interface of every log that names none itself; `interface_id: null` names none on purpose.',
        ),
      ),
    ),
    logs: v.pipe(
      v.array(logSchema, 'must be a list of logs'),
      v.minLength(1, 'must have at least one log'),
      v.maxLength(LOGS_MAX, `must have at most ${LOGS_MAX} logs`),
      v.check(
        (logs) => logs.some((log) => log.after === 0),
        'must begin with a log without `after`, which counts from it',
      ),
      v.rawCheck(({ dataset, addIssue }) => {
        if (!dataset.typed) return;
        const id = transactionIdIn(dataset.value);
        dataset.value.forEach((log, index) => {
          if ((givenId(log) ?? id) === id) return;
          addIssue({
            message: `is another transaction than ${id}; a scenario tells of one`,
            path: pathTo(dataset.value, index, 'transaction_id'),
          });
        });
      }),
      v.description('The logs, with the fields of the standard log.'),
    ),
    order: v.optional(
      v.pipe(
        v.picklist(['any', 'as given'], 'must be `any` or `as given`'),
        v.description(
          'Whether logs that are collected at one moment are tried in every order, or only in that of the list.',
        ),
      ),
      'any',
    ),
    twice: v.optional(
      v.pipe(
        v.boolean('must be true or false'),
        v.description('Whether each order is tried with every log collected twice, too.'),
      ),
      true,
    ),
    expect: v.pipe(
      // Not a union, which would hold a list against the object too, and tell of both.
      v.lazy((expected) => (Array.isArray(expected) ? looksSchema : lookSchema)),
      v.description('What the summary must say: any of its fields, or a list of looks at several times.'),
    ),
  },
  'must be an object',
);

/** A log of a scenario, checked and complete. */
export interface ScenarioLog {
  log: TrackingLog;
  /** When it is collected, ms since the beginning. */
  after: number;
}

export interface Scenario {
  name: string;
  /** In the order of the file. */
  logs: readonly ScenarioLog[];
  order: 'any' | 'as given';
  twice: boolean;
  looks: readonly Look[];
}

export const scenariosFileSchema = v.strictObject(
  {
    scenarios: v.pipe(
      v.array(scenarioSchema, 'must be a list of scenarios'),
      v.minLength(1, 'must have at least one scenario'),
      v.maxLength(SCENARIOS_MAX, `must have at most ${SCENARIOS_MAX} scenarios`),
      unique('name'),
      v.description('What is tried, one after the other.'),
      v.transform((scenarios) => scenarios.map(toScenario)),
    ),
  },
  'must be an object',
);

function toScenario({
  name,
  interface_id,
  logs,
  order,
  twice,
  expect,
}: v.InferOutput<typeof scenarioSchema>): Scenario {
  const transaction_id = transactionIdIn(logs) ?? cutToBytes(name, LIMITS.nameBytesMax);
  return {
    name,
    logs: logs.map((log, place) => ({
      log: trackingLogOf(log, { transaction_id, interface_id, place }),
      after: log.after,
    })),
    order,
    twice,
    looks: Array.isArray(expect) ? expect : [expect],
  };
}

/** What the first log that names its transaction names. */
function transactionIdIn(logs: readonly WrittenLog[]): string | undefined {
  return logs.map(givenId).find((id) => id !== undefined);
}

function givenId(log: WrittenLog): string | undefined {
  const id = log['transaction_id'];
  return typeof id === 'string' && id !== '' ? id : undefined;
}
