import type { Clock } from '../common/clock.ts';
import { timestampFromMillis } from '../common/timestamp.ts';
import { checkTrackingLog } from '../common/tracking-log.ts';
import type { FieldIssue } from '../common/tracking-log.ts';
import type { Decoder } from './decoders/decoder.ts';
import type { Condition } from './condition.ts';
import type { Mapped, Mapping } from './mapping.ts';
import type { Masking } from './masking/masking.ts';
import { quotedIfOdd } from './quoted.ts';
import { createStandardLineReader } from './standard-line.ts';
import type { EventId, Fields, Outcome, RawRecord, RecordOrigin, RecordPipeline } from './outcome.ts';

export interface PipelineDeps {
  /** The input's configured name, and its channel (its type). */
  input: string;
  channel: string;
  decoder: Decoder;
  mapping: Mapping;
  /** Records of which it holds are passed over. */
  skips?: Condition | undefined;
  /** Whether records that are standard logs as they stand may go the short way: the decoder reads JSON, and names are taken as they are. */
  standardLines?: boolean;
  /** How many partitions there are; 1 if not given, where nothing is appended. */
  partitions?: number;
  masking: Masking;
  clock: Clock;
}

/**
 * What a dead letter's meta says beside what the input knows, so that its record can be tried again as it was: the source's header (base64) for decoders that
 * need it, for the second and further logs of one record the id of the record, and whether it is JSON although the input has a decoder for others.
 */
export const RETRY_META = { header: 'header_base64', record: 'record_id', json: 'json' } as const;

/** A record, or a part of one, on its way. */
interface Taken {
  origin: RecordOrigin;
  raw: () => Buffer;
  /** Called only if it becomes a dead letter. */
  retryMeta: () => Record<string, string>;
}

/** The way of a record: decode → map → mask → validate. Whatever fails becomes a dead letter that names the stage and every field's reason. */
export function createPipeline(deps: PipelineDeps): RecordPipeline {
  const { input, channel, decoder, mapping, masking, clock } = deps;

  function deadLetter(
    stage: 'decode' | 'map' | 'validate',
    { origin, raw, retryMeta }: Taken,
    reason: string,
    issues: readonly FieldIssue[],
  ): Outcome {
    return {
      kind: 'dead_letter',
      dead_letter: masking.letter({
        event_id: origin.event_id,
        stage,
        input,
        channel,
        reason,
        ingest_time: timestampFromMillis(clock.now()),
        raw_base64: raw().toString('base64'),
        meta: { ...origin.meta, ...retryMeta() },
      }),
      issues,
    };
  }

  function take(fields: Fields, taken: Taken): Outcome[] {
    const ingestMillis = clock.now();
    const source = { fields, meta: taken.origin.meta, ingestMillis };
    if (deps.skips?.(source)) return [{ kind: 'skip' }];
    const logs = mapping(source);
    if (logs.length === 0) return [{ kind: 'skip' }];
    return logs.map((mapped) => check(mapped, logOf(taken, mapped.index), ingestMillis));
  }

  function check({ record, issues }: Mapped, taken: Taken, ingestMillis: number): Outcome {
    if (issues.length > 0) return deadLetter('map', taken, inWords(issues), issues);
    const checked = checkTrackingLog(masking.record(record), {
      event_id: taken.origin.event_id,
      ingest_time: timestampFromMillis(ingestMillis),
      channel,
      input,
    });
    return checked.log === undefined
      ? deadLetter('validate', taken, inWords(checked.issues), checked.issues)
      : { kind: 'log', log: checked.log };
  }

  const readStandardLine = deps.standardLines
    ? createStandardLineReader({ channel, input }, deps.partitions ?? 1)
    : undefined;
  function fromStandardLine(bytes: Buffer, eventId: EventId): Outcome | undefined {
    const row = readStandardLine?.(bytes, eventId, clock.now());
    return row === undefined ? undefined : { kind: 'row', row };
  }

  return {
    usesHeader: decoder.usesHeader === true,
    maskLetter: (letter) => masking.letter(letter),
    fromStandardLine,
    fromBytes: (record) => {
      const outcome = fromStandardLine(record.bytes, { stem: record.event_id });
      if (outcome !== undefined) return [outcome];
      const decoded = decoder.decode(record);
      if ('error' in decoded)
        return [deadLetter('decode', partOf(record, 0, decoder), `the record ${decoded.error}`, [])];
      if (decoded.fields.length === 0) return [{ kind: 'skip' }];
      return decoded.fields.flatMap((fields, index) => take(fields, partOf(record, index, decoder)));
    },
    fromFields: (fields, origin, raw) => take(fields, { origin, raw, retryMeta: () => ({}) }),
  };
}

/** @param index which of the objects that the record is decoded to: each has an id of its own, the same ones every time. */
function partOf(record: RawRecord, index: number, decoder: Decoder): Taken {
  const retryMeta = () => ({
    ...(index === 0 ? {} : { [RETRY_META.record]: record.event_id }),
    ...(decoder.usesHeader && record.header !== undefined
      ? { [RETRY_META.header]: record.header.toString('base64') }
      : {}),
  });
  const origin = index === 0 ? record : { ...record, event_id: `${record.event_id}#${index}` };
  return { origin, raw: () => record.bytes, retryMeta };
}

/** @param index which of the logs that the mapping makes: the further ones have ids of their own. */
function logOf(taken: Taken, index: number): Taken {
  if (index === 0) return taken;
  const { origin, retryMeta } = taken;
  const event_id = `${origin.event_id}${origin.event_id.includes('#') ? '' : '#0'}.${index}`;
  return {
    ...taken,
    origin: { ...origin, event_id },
    retryMeta: () => ({ [RETRY_META.record]: origin.event_id, ...retryMeta() }),
  };
}

function inWords(issues: readonly FieldIssue[]): string {
  return issues.map(({ field, reason }) => `${quotedIfOdd(field)} ${reason}`).join('; ');
}
