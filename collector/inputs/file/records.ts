import { timestampFromMillis } from '../../../common/timestamp.ts';
import type { Frame } from '../../framing/framer.ts';
import { textOfEventId } from '../../outcome.ts';
import type { Outcome } from '../../outcome.ts';
import type { InputDeps } from '../input.ts';
import { ownCopy } from './reading.ts';

/** Makes outcomes of one source's records, in order. @param path where the file is now. */
export type RecordMaker = (frame: Frame, path: string) => readonly Outcome[];

export interface RecordMakerDeps extends Pick<InputDeps, 'name' | 'pipeline' | 'clock'> {
  lineBytesMax: number;
}

/**
 * @param known the source's first record if that is behind already: null if it is too long to be given to decoders, undefined if it
 *   is yet to come.
 */
export function createRecordMaker(
  deps: RecordMakerDeps,
  sourceId: string,
  known: Buffer | null | undefined,
): RecordMaker {
  let header = known;
  const eventId = { stem: `${sourceId}@`, number: 0 };
  return (frame, path) => {
    const first = header === undefined;
    eventId.number = frame.start;
    const isTooLong = frame.length > deps.lineBytesMax;
    const isWhole = !isTooLong && frame.problem === undefined;
    if (isWhole && !first) {
      const outcome = deps.pipeline.fromStandardLine(frame.bytes, eventId);
      if (outcome !== undefined) return [outcome];
    }
    const event_id = textOfEventId(eventId);
    const meta = { path, offset: String(frame.start) };
    if (!isWhole) {
      if (first) header = null;
      return [isTooLong ? tooLong(deps, frame, event_id, meta) : broken(deps, frame, event_id, meta)];
    }
    // A copy: the frame's bytes are in a buffer that is used again.
    header ??= first && deps.pipeline.usesHeader ? ownCopy(frame.bytes) : null;
    const record = { bytes: frame.bytes, event_id, meta, first };
    return deps.pipeline.fromBytes(header === null ? record : { ...record, header });
  };
}

function tooLong(
  deps: RecordMakerDeps,
  frame: Frame,
  event_id: string,
  meta: Record<string, string>,
): Outcome {
  const reason = `the line is longer than line_bytes_max (${deps.lineBytesMax} bytes); only so much of it is kept`;
  return notFramed(deps, frame, event_id, reason, { ...meta, cut: 'true', bytes: String(frame.length) });
}

/** Kept whole: `tranweave dead-letters retry` may still make something of it. */
function broken(
  deps: RecordMakerDeps,
  frame: Frame,
  event_id: string,
  meta: Record<string, string>,
): Outcome {
  return notFramed(deps, frame, event_id, `the record ${frame.problem}`, meta);
}

function notFramed(
  { name, clock, pipeline }: RecordMakerDeps,
  frame: Frame,
  event_id: string,
  reason: string,
  meta: Record<string, string>,
): Outcome {
  return {
    kind: 'dead_letter',
    dead_letter: pipeline.maskLetter({
      event_id,
      stage: 'frame',
      input: name,
      channel: 'file',
      reason,
      ingest_time: timestampFromMillis(clock.now()),
      raw_base64: frame.bytes.toString('base64'),
      meta,
    }),
    issues: [],
  };
}
