import type { Frame, Framing } from '../../framing/framer.ts';
import { ownCopy } from '../../own-copy.ts';
import type { BodyRecord } from './records.ts';
import { HttpRefusal } from './refusal.ts';
import { othersTurn } from './turns.ts';

/** So much of a body is cut before others get their turn: it may be of millions of lines. */
const PIECE_BYTES = 256 * 1024;

/**
 * The records of a body that the input's decoder is for, in order. The first one is the header of all, for decoders that have
 * one. Throws a 400 when there are none, a 413 when there are more than `recordsMax`.
 */
export async function cutFramed(body: Buffer, framing: Framing, recordsMax: number): Promise<BodyRecord[]> {
  const records: BodyRecord[] = [];
  let header: Buffer | undefined;
  const emit = (frame: Frame) => {
    if (records.length === recordsMax) {
      throw new HttpRefusal(
        413,
        `the body has more than ${recordsMax} records; send them in several requests`,
      );
    }
    // Views on the body live as long as it does; what the framer held itself it may use again.
    const bytes = frame.bytes.buffer === body.buffer ? frame.bytes : ownCopy(frame.bytes);
    if (frame.problem !== undefined) {
      const whole = Buffer.from(bytes);
      records.push({ reason: frame.problem, raw: () => whole });
      return;
    }
    const first = header === undefined;
    header ??= bytes;
    records.push({ framed: { bytes, header, first } });
  };
  const framer = framing.open(0);
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    if (at > 0) await othersTurn();
    framer.push(body.subarray(at, at + PIECE_BYTES), emit);
  }
  framer.flush(emit);
  if (records.length === 0) throw new HttpRefusal(400, 'the body holds no records');
  return records;
}
