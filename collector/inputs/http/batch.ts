import type { Clock } from '../../../common/clock.ts';
import { timestampFromMillis } from '../../../common/timestamp.ts';
import type { FieldIssue } from '../../../common/tracking-log.ts';
import { textOfEventId } from '../../outcome.ts';
import type { EventId, Outcome, RecordOrigin, RecordPipeline } from '../../outcome.ts';
import type { BodyRecord, ParsedRecord } from './records.ts';
import { HttpRefusal } from './refusal.ts';
import { othersTurn } from './turns.ts';

/** The records of one request as outcomes, and what its sender is told of them. */
export interface Batch {
  outcomes: Outcome[];
  /** Logs by what became of them, together all there were: a record may hold several, and a mapping may make several of one. */
  accepted: number;
  skipped: number;
  rejected_count: number;
  /** The first of the rejected ones. */
  rejected: RejectedRecord[];
}

export interface RejectedRecord {
  /** From 0; of NDJSON, blank lines do not count. */
  index: number;
  event_id: string;
  issues: readonly FieldIssue[];
}

/** An answer names no more of them; their number is told. */
const REJECTED_MAX = 1000;
/** So many records are worked off before other requests and timers get their turn. */
const TURN_RECORDS = 512;

export interface BatchDeps {
  name: string;
  pipeline: RecordPipeline;
  clock: Clock;
}

/** A request as the origin of its records. */
export interface RequestOrigin {
  requestId: string;
  meta: Record<string, string>;
}

/** Runs records through the pipeline; undefined among them is when others get their turn. Throws a 413 when there are more than `logsMax` logs, of whatever became of them. */
export async function runRecords(
  deps: BatchDeps,
  records: Iterable<BodyRecord | undefined>,
  request: RequestOrigin,
  logsMax: number,
): Promise<Batch> {
  const batch: Batch = { outcomes: [], accepted: 0, skipped: 0, rejected_count: 0, rejected: [] };
  const stem = `http/${deps.name}/${request.requestId}/`;
  let index = 0;
  for (const record of records) {
    if (record === undefined) {
      await othersTurn();
      continue;
    }
    addTo(batch, index, outcomesOf(deps, record, request, { stem, number: index }));
    if (batch.accepted + batch.skipped + batch.rejected_count > logsMax) {
      throw new HttpRefusal(413, `the body has more than ${logsMax} logs; send them in several requests`);
    }
    index += 1;
    if (index % TURN_RECORDS === 0) await othersTurn();
  }
  return batch;
}

function outcomesOf(
  deps: BatchDeps,
  record: BodyRecord,
  { meta }: RequestOrigin,
  eventId: EventId,
): Outcome[] {
  const outcome =
    record.line === undefined ? undefined : deps.pipeline.fromStandardLine(record.line, eventId);
  if (outcome !== undefined) return [outcome];
  const origin = { event_id: textOfEventId(eventId), meta };
  if (record.framed !== undefined) return deps.pipeline.fromBytes({ ...origin, ...record.framed });
  return parsedOutcomes(deps, record.line === undefined ? record : record.parse(), origin);
}

function parsedOutcomes(deps: BatchDeps, record: ParsedRecord, origin: RecordOrigin): Outcome[] {
  return record.reason === undefined
    ? deps.pipeline.fromFields(record.fields, origin, () => record.raw())
    : [notDecoded(deps, record.reason, origin, record.raw())];
}

function notDecoded(
  { name, clock, pipeline }: BatchDeps,
  reason: string,
  origin: RecordOrigin,
  raw: Buffer,
): Outcome {
  return {
    kind: 'dead_letter',
    dead_letter: pipeline.maskLetter({
      event_id: origin.event_id,
      stage: 'decode',
      input: name,
      channel: 'http',
      reason: `the record ${reason}`,
      ingest_time: timestampFromMillis(clock.now()),
      raw_base64: raw.toString('base64'),
      meta: origin.meta,
    }),
    issues: [{ field: '', reason }],
  };
}

function addTo(batch: Batch, index: number, outcomes: readonly Outcome[]): void {
  // One by one: a record may be decoded to more of them than a call can have arguments.
  for (const outcome of outcomes) {
    batch.outcomes.push(outcome);
    if (outcome.kind === 'skip') batch.skipped += 1;
    else if (outcome.kind === 'dead_letter') reject(batch, index, outcome);
    else batch.accepted += 1;
  }
}

function reject(batch: Batch, index: number, letter: Letter): void {
  batch.rejected_count += letter.parts ?? 1;
  if (batch.rejected.length === REJECTED_MAX) return;
  batch.rejected.push({ index, event_id: letter.dead_letter.event_id, issues: issuesOf(letter) });
}

type Letter = Extract<Outcome, { kind: 'dead_letter' }>;

function issuesOf(letter: Letter): readonly FieldIssue[] {
  return letter.issues.length > 0 ? letter.issues : [{ field: '', reason: letter.dead_letter.reason }];
}
