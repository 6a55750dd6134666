import { isUtf8 } from 'node:buffer';
import type { Clock } from '../common/clock.ts';
import { timestampFromMillis } from '../common/timestamp.ts';
import { checkTrackingLog } from '../common/tracking-log.ts';
import type { FieldIssue } from '../common/tracking-log.ts';
import type { Decoder } from './decoders/decoder.ts';
import type { Mapping } from './mapping.ts';
import { createStandardLineReader } from './standard-line.ts';
import type { Fields, Outcome, RawRecord, RecordOrigin, RecordPipeline } from './outcome.ts';

export interface PipelineDeps {
  /** The input's configured name, and its channel (its type). */
  input: string;
  channel: string;
  decoder: Decoder;
  mapping: Mapping;
  /** Whether records that are standard logs as they stand may go the short way: the decoder reads JSON, and names are taken as they are. */
  standardLines?: boolean;
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

/** The way of a record: decode → map → validate. Whatever fails becomes a dead letter that names the stage and every field's reason. */
export function createPipeline(deps: PipelineDeps): RecordPipeline {
  const { input, channel, decoder, mapping, clock } = deps;

  function deadLetter(
    stage: 'decode' | 'map' | 'validate',
    { origin, raw, retryMeta }: Taken,
    reason: string,
    issues: readonly FieldIssue[],
  ): Outcome {
    return {
      kind: 'dead_letter',
      dead_letter: {
        event_id: origin.event_id,
        stage,
        input,
        channel,
        reason,
        ingest_time: timestampFromMillis(clock.now()),
        raw_base64: raw().toString('base64'),
        meta: { ...origin.meta, ...retryMeta() },
      },
      issues,
    };
  }

  function take(fields: Fields, taken: Taken): Outcome {
    const { origin } = taken;
    const mapped = mapping(fields, origin);
    if (mapped.issues.length > 0) return deadLetter('map', taken, inWords(mapped.issues), mapped.issues);
    const checked = checkTrackingLog(mapped.record, {
      event_id: origin.event_id,
      ingest_time: timestampFromMillis(clock.now()),
      channel,
      input,
    });
    return checked.log === undefined
      ? deadLetter('validate', taken, inWords(checked.issues), checked.issues)
      : { kind: 'log', log: checked.log };
  }

  /** @param index which of the record's logs: each has an id of its own, the same ones every time. */
  function partOf(record: RawRecord, index: number): Taken {
    const retryMeta = () => ({
      ...(index === 0 ? {} : { [RETRY_META.record]: record.event_id }),
      ...(decoder.usesHeader && record.header !== undefined
        ? { [RETRY_META.header]: record.header.toString('base64') }
        : {}),
    });
    const origin = index === 0 ? record : { ...record, event_id: `${record.event_id}#${index}` };
    return { origin, raw: () => record.bytes, retryMeta };
  }

  const readStandardLine = deps.standardLines ? createStandardLineReader({ channel, input }) : undefined;
  function fromStandardLine(text: string, origin: RecordOrigin): Outcome | undefined {
    const row = readStandardLine?.(text, origin.event_id, timestampFromMillis(clock.now()));
    return row === undefined ? undefined : { kind: 'row', row };
  }

  return {
    fromStandardLine,
    fromBytes: (record) => {
      if (readStandardLine !== undefined && isUtf8(record.bytes)) {
        const outcome = fromStandardLine(record.bytes.toString(), record);
        if (outcome !== undefined) return [outcome];
      }
      const decoded = decoder.decode(record);
      if ('error' in decoded)
        return [deadLetter('decode', partOf(record, 0), `the record ${decoded.error}`, [])];
      if (decoded.fields.length === 0) return [{ kind: 'skip' }];
      return decoded.fields.map((fields, index) => take(fields, partOf(record, index)));
    },
    fromFields: (fields, origin, raw) => [take(fields, { origin, raw, retryMeta: () => ({}) })],
  };
}

function inWords(issues: readonly FieldIssue[]): string {
  return issues.map(({ field, reason }) => `${field} ${reason}`).join('; ');
}
