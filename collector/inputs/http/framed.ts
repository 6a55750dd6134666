import type { Frame, Framing } from '../../framing/framer.ts';
import type { BodyRecord } from './records.ts';
import { HttpRefusal } from './refusal.ts';

/**
 * The records of a body that the input's decoder is for, in order. The first one is the header of all, for decoders that have
 * one. Throws a 400 when there are none, a 413 when there are more than `recordsMax`.
 */
export function cutFramed(body: Buffer, framing: Framing, recordsMax: number): BodyRecord[] {
  const records: BodyRecord[] = [];
  let header: Buffer | undefined;
  const emit = ({ bytes, problem }: Frame) => {
    if (records.length === recordsMax) {
      throw new HttpRefusal(
        413,
        `the body has more than ${recordsMax} records; send them in several requests`,
      );
    }
    if (problem !== undefined) {
      const whole = Buffer.from(bytes);
      records.push({ reason: problem, raw: () => whole });
      return;
    }
    const first = header === undefined;
    // Views on the body live as long as it does; of what the framer held itself it holds nothing afterwards.
    header ??= bytes;
    records.push({ framed: { bytes, header, first } });
  };
  const framer = framing.open(0);
  framer.push(body, emit);
  framer.flush(emit);
  if (records.length === 0) throw new HttpRefusal(400, 'the body holds no records');
  return records;
}
