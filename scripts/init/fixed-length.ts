import { evenness, kindsByColumn } from './byte-columns.ts';
import { guessLayout } from './layout.ts';
import type { Sample } from './sample.ts';
import type { Shape } from './shape.ts';

const LINES_MIN = 3;
const BYTES_MIN = 16;
/** Records of several lengths must be alike for longer, and more so. */
const UNEVEN = { linesMin: 4, bytesMin: 32, evennessMin: 0.5 };
/** Records of one length may have texts in them. */
const EVENNESS_MIN = 0.25;

/** Lines in which fields have places of their own: all have the same number of bytes, or begin alike for long enough. */
export function guessFixedLength({ lines, charset }: Sample): Shape | undefined {
  if (!charset.isAsciiBased) return undefined;
  const records = lines.map((line) => charset.encode(line));
  const lengths = records.map((record) => record.length);
  const usual = mostOften(lengths);
  const whole = records.filter((record) => record.length === usual);
  if (
    whole.length >= LINES_MIN &&
    whole.length >= records.length * 0.9 &&
    usual >= BYTES_MIN &&
    evenness(whole) >= EVENNESS_MIN
  ) {
    return {
      decoder: { type: 'fixed-length', fields: guessLayout(whole, charset) },
      decoderWhy: `${whole.length} of ${records.length} lines have ${usual} bytes each. Where fields begin was told from what stands in the same place of all: check it with the layout of whoever writes them`,
    };
  }
  return guessUneven(records, charset);
}

function guessUneven(records: readonly Buffer[], charset: Sample['charset']): Shape | undefined {
  // A line that broke off is no measure.
  const sorted = records.map((record) => record.length).sort((a, b) => a - b);
  const usual = sorted[Math.floor(sorted.length / 20)] ?? 0;
  const whole = records.filter((record) => record.length >= usual);
  const isAlike =
    whole.length >= UNEVEN.linesMin &&
    usual >= UNEVEN.bytesMin &&
    evenness(whole) >= UNEVEN.evennessMin &&
    kindsByColumn(whole).length > 0;
  if (!isAlike) return undefined;
  return {
    decoder: { type: 'fixed-length', fields: guessLayout(whole, charset), long: 'ignore' },
    decoderWhy: `lines begin alike for ${usual} bytes, and what follows differs in length (a group with \`times\`?) and is left out. Where fields begin was told from what stands in the same place of all: check it with the layout of whoever writes them`,
  };
}

function mostOften(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0]?.[0] ?? 0;
}
