import * as v from 'valibot';
import { pathTo } from '../../common/config-values.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import { checkTrackingLog } from '../../common/tracking-log.ts';
import type { FieldIssue, TrackingLog } from '../../common/tracking-log.ts';
import { BEGINNING, relativeMoment, sinceBeginning } from './moment.ts';

/** A log of a scenario: the standard log's own fields and rules, less what is the same in most scenarios, and when it is collected. */

/** What the collector says of a log; `after` is how a scenario tells it. */
const COLLECTORS = ['ingest_time', 'channel', 'input'] as const;

type Fields = Readonly<Record<string, unknown>>;

/** What a log does not say itself. */
interface Given {
  transaction_id: string;
  interface_id?: string | undefined;
  /** From 0. */
  place: number;
}

/** As it is written; checked as far as it can be without its neighbours. */
export const logSchema = v.pipe(
  v.looseObject(
    {
      after: v.optional(
        sinceBeginning(
          'How long after the first log this one is collected. Logs with the same `after` come in any order; others in the order of theirs.',
        ),
        '0s',
      ),
    },
    'must be an object with the fields of a standard log',
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const { field, reason } of issuesOf(dataset.value)) {
      addIssue({ message: reason, path: pathTo(dataset.value, field) });
    }
  }),
);
export type WrittenLog = v.InferOutput<typeof logSchema>;

function issuesOf({ after, ...fields }: WrittenLog): FieldIssue[] {
  const own = COLLECTORS.filter((field) => Object.hasOwn(fields, field)).map((field) => ({
    field,
    reason: 'is set when the log is collected; `after` says when that is',
  }));
  return [...own, ...(check(fields, after, { transaction_id: 'any', place: 0 }).issues ?? [])];
}

/** The standard log that it is in its scenario. Throws a TypeError for one that the schema refuses. */
export function trackingLogOf({ after, ...fields }: WrittenLog, given: Given): TrackingLog {
  const { log, issues } = check(fields, after, given);
  if (log === undefined) throw new TypeError(`a log that was checked is refused: ${JSON.stringify(issues)}`);
  return log;
}

/** A log happens when it is collected, each a second after the one above it, unless it says otherwise. */
function check(fields: Fields, after: number, { transaction_id, interface_id, place }: Given) {
  const collectedAt = BEGINNING + after;
  const record: Record<string, unknown> = {
    transaction_id,
    interface_id,
    event_time: timestampFromMillis(collectedAt + place * 1000),
    ...fields,
  };
  if (typeof record['event_time'] === 'string') {
    record['event_time'] = relativeMoment(record['event_time']) ?? record['event_time'];
  }
  return checkTrackingLog(record, {
    // Ids compare as the places do, since they decide between logs of one moment.
    event_id: `log-${String(place + 1).padStart(4, '0')}`,
    ingest_time: timestampFromMillis(collectedAt),
    channel: 'scenario',
    input: 'scenario',
  });
}
