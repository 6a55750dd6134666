import type { Clock } from '../common/clock.ts';
import { timestampFromMillis } from '../common/timestamp.ts';
import { checkTrackingLog } from '../common/tracking-log.ts';
import type { FieldIssue } from '../common/tracking-log.ts';
import type { Decoder } from './decoders/decoder.ts';
import type { Mapping } from './mapping.ts';
import type { Fields, Outcome, RecordOrigin, RecordPipeline } from './outcome.ts';

export interface PipelineDeps {
  /** The input's configured name, and its channel (its type). */
  input: string;
  channel: string;
  decoder: Decoder;
  mapping: Mapping;
  clock: Clock;
}

/** The way of a record: decode → map → validate. Whatever fails becomes a dead letter that names the stage and every field's reason. */
export function createPipeline(deps: PipelineDeps): RecordPipeline {
  const { input, channel, decoder, mapping, clock } = deps;

  function deadLetter(
    stage: 'decode' | 'map' | 'validate',
    origin: RecordOrigin,
    raw: Buffer,
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
        raw_base64: raw.toString('base64'),
        meta: origin.meta,
      },
      issues,
    };
  }

  function take(fields: Fields, origin: RecordOrigin, raw: () => Buffer): Outcome {
    const mapped = mapping(fields, origin);
    if (mapped.issues.length > 0) {
      return deadLetter('map', origin, raw(), inWords(mapped.issues), mapped.issues);
    }
    const checked = checkTrackingLog(mapped.record, {
      event_id: origin.event_id,
      ingest_time: timestampFromMillis(clock.now()),
      channel,
      input,
    });
    return checked.log === undefined
      ? deadLetter('validate', origin, raw(), inWords(checked.issues), checked.issues)
      : { kind: 'log', log: checked.log };
  }

  return {
    fromBytes: (record) => {
      const decoded = decoder.decode(record);
      if ('error' in decoded)
        return [deadLetter('decode', record, record.bytes, `the record ${decoded.error}`, [])];
      if (decoded.fields.length === 0) return [{ kind: 'skip' }];
      return decoded.fields.map((fields, index) => {
        // One record with several logs: each has an id of its own, the same ones every time.
        const origin = index === 0 ? record : { ...record, event_id: `${record.event_id}#${index}` };
        return take(fields, origin, () => record.bytes);
      });
    },
    fromFields: (fields, origin, raw) => [take(fields, origin, raw)],
  };
}

function inWords(issues: readonly FieldIssue[]): string {
  return issues.map(({ field, reason }) => `${field} ${reason}`).join('; ');
}
