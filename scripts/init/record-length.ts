import { evenness } from './byte-columns.ts';
import { guessLayout } from './layout.ts';
import type { Sample } from './sample.ts';
import type { Shape } from './shape.ts';

const LENGTH_MIN = 8;
const LENGTH_MAX = 2_000;
const RECORDS_MIN = 3;
const EVENNESS_MIN = 0.8;
/** Records of one file without line ends; of more bytes only so many are tried, each length over all of them. */
const BYTES_MAX = 16 * 1024;

/** Records of one length without anything between them: the shortest length at whose multiples the bytes are most alike. */
export function guessRecordLength({ bytes, charset }: Sample): Shape | undefined {
  if (bytes.includes(0x0a) || bytes.length < LENGTH_MIN * RECORDS_MIN) return undefined;
  const seen = bytes.subarray(0, BYTES_MAX);
  const isWhole = seen.length === bytes.length;
  const best = lengthsFor(seen.length, isWhole)
    .map((length) => ({ length, even: evenness(cut(seen, length)) }))
    .filter(({ even }) => even >= EVENNESS_MIN)
    // Multiples of the length are as even; a little more so by chance.
    .reduce<{ length: number; even: number } | undefined>(
      (found, next) => (found === undefined || next.even > found.even + 0.1 ? next : found),
      undefined,
    );
  if (best === undefined) return undefined;
  const { length } = best;
  return {
    framing: { type: 'fixed-length', bytes: length },
    framingWhy: `there are no line ends, and every ${length} bytes the same kinds of signs come again`,
    decoder: { type: 'fixed-length', fields: guessLayout(cut(seen, length), charset) },
    decoderWhy:
      'where fields begin was told from what stands in the same place of all records: check it with the layout of whoever writes them',
  };
}

function lengthsFor(size: number, isWhole: boolean): number[] {
  const max = Math.min(LENGTH_MAX, Math.floor(size / RECORDS_MIN));
  return Array.from({ length: Math.max(0, max - LENGTH_MIN + 1) }, (_, index) => LENGTH_MIN + index).filter(
    (length) => !isWhole || size % length === 0,
  );
}

function cut(bytes: Buffer, length: number): Buffer[] {
  return Array.from({ length: Math.floor(bytes.length / length) }, (_, index) =>
    bytes.subarray(index * length, (index + 1) * length),
  );
}
