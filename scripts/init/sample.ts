import { createCharset } from '../../collector/charset.ts';
import type { Charset } from '../../collector/charset.ts';
import { createFraming } from '../../collector/framing/registry.ts';
import type { FramingConfig } from '../../collector/framing/registry.ts';

/** A piece of somebody's file, to be guessed from. */
export interface Sample {
  bytes: Buffer;
  charset: Charset;
  /** Lines that are not empty, without their line ends. */
  lines: string[];
}

/** More than this is not looked at: guesses get no better by it. */
export const SAMPLE_BYTES_MAX = 1024 * 1024;
const LINES_MAX = 500;

/** @param bytes the beginning of a file, without the record that was cut off, if one was. */
export function openSample(bytes: Buffer, encoding: string): Sample {
  const charset = createCharset(encoding);
  return { bytes, charset, lines: recordsOf({ bytes, charset }, { type: 'newline' }) };
}

/** The sample's records in a framing, as texts; bytes that are none are replaced. Empty ones are left out. */
export function recordsOf(
  { bytes, charset }: Pick<Sample, 'bytes' | 'charset'>,
  framing: FramingConfig,
): string[] {
  const framer = createFraming(framing, { charset, recordBytesMax: SAMPLE_BYTES_MAX }).open(0);
  const records: string[] = [];
  const take = (frame: { bytes: Buffer }) => {
    const text = charset.show(frame.bytes);
    if (records.length < LINES_MAX && text.trim() !== '') records.push(text);
  };
  framer.push(bytes, take);
  framer.flush(take);
  return records;
}

/** Cuts a sample that is only the beginning of a file behind its last whole line. */
export function wholeLines(bytes: Buffer): Buffer {
  const end = bytes.lastIndexOf(0x0a);
  if (end < 0) return bytes;
  // In UTF-16LE the newline's second byte, a zero, belongs to it.
  return bytes.subarray(0, bytes[end + 1] === 0 && bytes[end - 1] !== 0 ? end + 2 : end + 1);
}

/** The share of a list for which something holds. */
export function shareOf<T>(values: readonly T[], holds: (value: T) => boolean): number {
  return values.length === 0 ? 0 : values.filter(holds).length / values.length;
}
