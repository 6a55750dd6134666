import type { Clock } from '../common/clock.ts';
import { timestampFromMillis } from '../common/timestamp.ts';
import { checkTrackingLog } from '../common/tracking-log.ts';
import type { FieldIssue } from '../common/tracking-log.ts';
import type { Decoder } from './decoders/decoder.ts';
import type { Condition } from './condition.ts';
import type { Mapped, Mapping } from './mapping.ts';
import type { Masking } from './masking/masking.ts';
import { quotedIfOdd } from './quoted.ts';
import { idOfPart, RecordParts } from './record-parts.ts';
import type { Part, Refusal, Refused } from './record-parts.ts';
import { createStandardLineReader } from './standard-line.ts';
import type { EventId, Fields, Outcome, RecordOrigin, RecordPipeline } from './outcome.ts';

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
 * need it, the id of the record if the letter's own is that of a further part, which parts of it became logs, and whether it is JSON although the input has a
 * decoder for others.
 */
export const RETRY_META = {
  header: 'header_base64',
  record: 'record_id',
  taken: 'taken_parts',
  json: 'json',
} as const;

/** A record on its way. */
interface Taken {
  origin: RecordOrigin;
  /** This and the header are asked for only if there is a dead letter. */
  raw: () => Buffer;
  header?: Buffer | undefined;
  /** Parts that are logs already. */
  isTaken?: ((part: Part) => boolean) | undefined;
}

type LetterOf = (
  taken: Taken,
  refused: Omit<Refused, 'stage'> & { stage: 'decode' | Refused['stage'] },
) => Outcome;

function createLetters({ input, channel, masking, clock }: PipelineDeps): LetterOf {
  return ({ origin, raw, header }, { stage, reason, issues, part, count, taken }) => {
    const event_id = idOfPart(origin.event_id, part);
    const retryMeta = {
      ...(event_id === origin.event_id ? {} : { [RETRY_META.record]: origin.event_id }),
      ...(taken === '' ? {} : { [RETRY_META.taken]: taken }),
      ...(header === undefined ? {} : { [RETRY_META.header]: header.toString('base64') }),
    };
    return {
      kind: 'dead_letter',
      dead_letter: masking.letter({
        event_id,
        stage,
        input,
        channel,
        reason,
        ingest_time: timestampFromMillis(clock.now()),
        raw_base64: raw().toString('base64'),
        meta: { ...origin.meta, ...retryMeta },
      }),
      issues,
      ...(count === 1 ? {} : { parts: count }),
    };
  };
}

/** Of a record that was not decoded: all of it is refused, whatever parts it has. */
const WHOLE = { part: { object: 0, log: 0 }, count: 1, taken: '', issues: [] };

/** The way of a record: decode → map → mask → validate. Whatever fails becomes a dead letter that names the stage and every field's reason. */
export function createPipeline(deps: PipelineDeps): RecordPipeline {
  const { input, channel, decoder, mapping, masking, clock } = deps;
  const letterOf = createLetters(deps);

  function take(objects: readonly Fields[], taken: Taken): Outcome[] {
    const parts = new RecordParts();
    for (const [object, fields] of objects.entries()) {
      const ingestMillis = clock.now();
      const source = { fields, meta: taken.origin.meta, ingestMillis };
      const logs = deps.skips?.(source) ? [] : mapping(source);
      if (logs.length === 0) parts.skip();
      for (const mapped of logs) {
        const part = { object, log: mapped.index };
        if (taken.isTaken?.(part) === true) continue;
        const result = check(mapped, idOfPart(taken.origin.event_id, part), ingestMillis);
        if ('log' in result) parts.take(part, result.log);
        else parts.refuse(part, result);
      }
    }
    return parts.outcomes((refused) => letterOf(taken, refused));
  }

  function check({ record, issues }: Mapped, event_id: string, ingestMillis: number) {
    if (issues.length > 0) return refusal('map', issues);
    const checked = checkTrackingLog(masking.record(record), {
      event_id,
      ingest_time: timestampFromMillis(ingestMillis),
      channel,
      input,
    });
    return checked.log === undefined ? refusal('validate', checked.issues) : { log: checked.log };
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
      const header = decoder.usesHeader ? record.header : undefined;
      const taken = { origin: record, raw: () => record.bytes, header, isTaken: record.isTaken };
      if ('error' in decoded) {
        return [letterOf(taken, { ...WHOLE, stage: 'decode', reason: `the record ${decoded.error}` })];
      }
      return decoded.fields.length === 0 ? [{ kind: 'skip' }] : take(decoded.fields, taken);
    },
    fromFields: (fields, origin, raw) => take([fields], { origin, raw }),
  };
}

function refusal(stage: Refusal['stage'], issues: readonly FieldIssue[]): Refusal {
  const words = issues.map(({ field, reason }) => `${quotedIfOdd(field)} ${reason}`);
  return { stage, reason: words.join('; '), issues };
}
