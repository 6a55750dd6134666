import { pipelineOf } from '../../collector/main.ts';
import { LEFT_OUT } from '../../collector/masking/masking.ts';
import type { Outcome, RawRecord, RecordPipeline } from '../../collector/outcome.ts';
import { RETRY_META } from '../../collector/pipeline.ts';
import { partsIn } from '../../collector/record-parts.ts';
import type { Clock } from '../../common/clock.ts';
import type { DeadLetter } from '../../common/dead-letter.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import { checkTrackingLog } from '../../common/tracking-log.ts';
import type { TranweaveConfig } from '../tranweave-config.ts';

/** What became of a dead letter that was tried again. */
export type Retried =
  /** Everything of its record that is no log yet; logs have the ids that they would have had in the first place. */
  | { kind: 'taken'; outcomes: Outcome[] }
  /** It is refused still. */
  | { kind: 'refused'; reason: string }
  /** It cannot be tried again, whatever the config says. */
  | { kind: 'impossible'; reason: string };

/** Tries dead letters again by the config as it is now. */
export function createRetry(config: TranweaveConfig, clock: Clock): (letter: DeadLetter) => Retried {
  const pipelines = new Map<string, RecordPipeline>(
    config.inputs.map((input) => [input.name, pipelineOf(input, clock)]),
  );
  const jsonPipelines = new Map<string, RecordPipeline>(
    config.inputs.map((input) => [
      input.name,
      pipelineOf({ ...input, decoder: { type: 'json' }, encoding: 'utf-8' }, clock),
    ]),
  );
  return (letter) => {
    const raw = Buffer.from(letter.raw_base64, 'base64');
    if (letter.meta['cut'] === 'true') {
      return { kind: 'impossible', reason: 'only the beginning of its record was kept' };
    }
    if (letter.meta['raw'] === LEFT_OUT.raw) {
      return {
        kind: 'impossible',
        reason: 'its record was left out of it, as the masking of its input wants',
      };
    }
    if (letter.stage === 'stream') {
      return { kind: 'impossible', reason: 'it is no record but a stream entry that is none of ours' };
    }
    if (letter.meta['stream'] === 'log') return retryStored(letter, raw, clock);
    if (letter.meta['stream'] !== undefined) {
      return { kind: 'impossible', reason: `it is no log but an entry of a ${letter.meta['stream']} stream` };
    }
    const isJson = letter.meta[RETRY_META.json] === 'true';
    const pipeline = (isJson ? jsonPipelines : pipelines).get(letter.input);
    if (pipeline === undefined) {
      return { kind: 'impossible', reason: `the config has no input ${letter.input}` };
    }
    return settle(pipeline.fromBytes(recordOf(letter, raw)));
  };
}

/** The record as its input cut it. */
function recordOf({ event_id, meta }: DeadLetter, bytes: Buffer): RawRecord {
  const {
    [RETRY_META.header]: header,
    [RETRY_META.record]: record,
    [RETRY_META.taken]: taken,
    [RETRY_META.json]: _,
    ...own
  } = meta;
  return {
    bytes,
    event_id: record ?? event_id,
    meta: own,
    ...(header === undefined ? {} : { header: Buffer.from(header, 'base64') }),
    ...(taken === undefined ? {} : { isTaken: partsIn(taken) }),
  };
}

/** A log that a store refused is a standard log already: it goes into the streams once more, and what knows it takes no notice. */
function retryStored(letter: DeadLetter, raw: Buffer, clock: Clock): Retried {
  let row: unknown;
  try {
    row = JSON.parse(raw.toString());
  } catch {
    return { kind: 'refused', reason: 'its row is not JSON' };
  }
  if (typeof row !== 'object' || row === null) return { kind: 'refused', reason: 'its row is not an object' };
  const { log, issues } = checkTrackingLog(row as Record<string, unknown>, {
    event_id: letter.event_id,
    ingest_time: timestampFromMillis(clock.now()),
    channel: letter.channel,
    input: letter.input,
  });
  if (log !== undefined) return { kind: 'taken', outcomes: [{ kind: 'log', log }] };
  return { kind: 'refused', reason: issues.map(({ field, reason }) => `${field} ${reason}`).join('; ') };
}

/** One record may give several logs; as long as one of them is refused, the dead letter stays as it is. */
function settle(outcomes: Outcome[]): Retried {
  const reasons = outcomes.flatMap((outcome) =>
    outcome.kind === 'dead_letter' ? [outcome.dead_letter.reason] : [],
  );
  return reasons.length === 0 ? { kind: 'taken', outcomes } : { kind: 'refused', reason: reasons.join('; ') };
}
