import { splitRow } from '../../collector/decoders/delimited-row.ts';
import { nameColumns } from './columns.ts';
import { recordsOf, shareOf } from './sample.ts';
import type { Sample } from './sample.ts';
import type { Shape } from './shape.ts';

/** Longer ones first: `||` is no empty field between two `|`. */
const DELIMITERS = ['||', '^|', '|^', '|~', '~|', '\t', '|', '~', '^', ';', ','];
/** These stand in texts, too, so more of them are asked for. */
const IN_TEXTS = new Set([';', ',']);
const SHARE = 0.95;

interface Rows {
  delimiter: string;
  quote: '"' | false;
  rows: string[][];
  /** Fields of nearly every row. */
  width: number;
  /** Whether fields hold line breaks. */
  isCsv: boolean;
}

/** Rows of fields with something between them: the delimiter that gives the same number of fields in nearly every row, and the most of them. */
export function guessDelimited(sample: Sample): Shape | undefined {
  const found = DELIMITERS.flatMap((delimiter) => rowsOf(sample, delimiter) ?? []);
  // A piece of one that fits gives more fields, every second of them empty.
  const whole = found.filter(
    ({ delimiter }) =>
      !found.some((other) => other.delimiter !== delimiter && other.delimiter.includes(delimiter)),
  );
  const [best] = whole.sort((a, b) => b.width - a.width);
  if (best === undefined) return undefined;
  const { delimiter, quote, rows, width, isCsv } = best;
  const header = headerOf(rows);
  if (header === undefined && IN_TEXTS.has(delimiter) && width < 3) return undefined;
  const written = delimiter === ',' ? {} : { delimiter };
  const even = rows.filter((row) => row.length === width);
  const columns = Array.from({ length: width }, (_, column) => even.map((row) => row[column] ?? ''));
  return {
    ...(isCsv
      ? { framing: { type: 'csv', ...written }, framingWhy: 'fields in quotes hold line breaks' }
      : {}),
    decoder: {
      type: 'delimited',
      ...written,
      ...(header === undefined ? { columns: nameColumns(columns) } : {}),
      ...(quote === false ? { quote } : {}),
    },
    decoderWhy:
      header === undefined
        ? `${width} fields with ${JSON.stringify(delimiter)} between them, and no header: give the columns names that say what they are`
        : `${width} fields with ${JSON.stringify(delimiter)} between them; the first line names them: ${header.join(', ')}`,
  };
}

function rowsOf(sample: Sample, delimiter: string): Rows | undefined {
  const lines = split(sample.lines, delimiter, '"');
  if (lines !== undefined) return lines;
  // A quote that is open at the end of a line: the field goes on, or quotes mean nothing here.
  if (delimiter.length === 1 && sample.charset.isAsciiBased) {
    const rows = recordsOf(sample, { type: 'csv', delimiter, quote: '"' });
    const csv = rows.length < sample.lines.length ? split(rows, delimiter, '"') : undefined;
    if (csv !== undefined) return { ...csv, isCsv: true };
  }
  return split(sample.lines, delimiter, false);
}

function split(records: readonly string[], delimiter: string, quote: '"' | false): Rows | undefined {
  const rows = records.map((record) => splitRow(record, { delimiter, quote, trim: true }));
  const widths = new Map<number, number>();
  for (const row of rows) {
    if (typeof row !== 'string') widths.set(row.length, (widths.get(row.length) ?? 0) + 1);
  }
  const [width = 0] = [...widths].sort((a, b) => b[1] - a[1])[0] ?? [];
  if (width < 2 || shareOf(rows, (row) => row.length === width && typeof row !== 'string') < SHARE)
    return undefined;
  const good = rows.filter((row) => typeof row !== 'string');
  // A piece of the delimiter within a field: a shorter one is meant.
  const isPart =
    delimiter.length > 1 &&
    good.some((row) => row.some((field) => delimiter.split('').some((sign) => field.includes(sign))));
  return isPart ? undefined : { delimiter, quote, rows: good, width, isCsv: false };
}

/** The names in the first row: words that do not stand below them, where digits do. */
function headerOf(rows: readonly string[][]): string[] | undefined {
  const [first = [], ...rest] = rows;
  const isNames =
    first.every((name) => /^[\p{L}_@#][\p{L}\p{N}_ .()/@#-]*$/u.test(name)) &&
    new Set(first).size === first.length;
  if (!isNames) return undefined;
  if (rest.length === 0) return first;
  const isAbove = first.some(
    (name, column) => !/\d/.test(name) && rest.every((row) => /\d/.test(row[column] ?? '')),
  );
  const isOther = first.every((name, column) => rest.every((row) => row[column] !== name));
  return isAbove && isOther ? first : undefined;
}
