import type { Charset } from '../../collector/charset.ts';
import { kindsByColumn } from './byte-columns.ts';
import type { ByteKind } from './byte-columns.ts';
import { nameColumns } from './columns.ts';
import { guessTime } from './time.ts';

/** Where the fields of records with fixed places begin, from what stands in the same place of all of them. */

export interface LayoutPart {
  /** Without one if nothing ever stands there. */
  name?: string;
  bytes: number;
}

interface Span {
  start: number;
  end: number;
}

/** Times within digits, longest first. */
const TIME_LENGTHS = [17, 14];
/** Letters with as many digits behind them are an id; with fewer, a word and a code. */
const ID_DIGITS_MIN = 5;

/** @param records at least two; those that are longer are looked at as far as the shortest goes. */
export function guessLayout(records: readonly Buffer[], charset: Charset): LayoutPart[] {
  const spans = spansOf(kindsByColumn(records)).flatMap((span) => withTimes(span, records));
  const columns = spans.map(({ start, end }) =>
    records.map((record) => charset.show(record.subarray(start, end)).replaceAll('\0', ' ').trim()),
  );
  const names = nameColumns(columns);
  return spans.map(({ start, end }, index) => {
    const bytes = end - start;
    return columns[index]?.every((text) => text === '') === true
      ? { bytes }
      : { name: names[index] ?? '', bytes };
  });
}

function spansOf(columns: Columns): Span[] {
  const isDigit = columns.map((kinds) => kinds.size === 1 && kinds.has('digit'));
  const spans: Span[] = [];
  let start = 0;
  for (let at = 1; at <= columns.length; at += 1) {
    if (at < columns.length && !beginsAt(at, columns, isDigit)) continue;
    spans.push({ start, end: at });
    start = at;
  }
  return spans;
}

type Columns = readonly ReadonlySet<ByteKind>[];

function beginsAt(at: number, columns: Columns, isDigit: readonly boolean[]): boolean {
  const [before, here] = [columns[at - 1], columns[at]];
  if (before === undefined || here === undefined) return false;
  if (before.has('blank') && !here.has('blank')) return isPadding(at, columns);
  if (isDigit[at] === true && isDigit[at - 1] === false)
    return isWord(before) && digitsFrom(at, isDigit) < ID_DIGITS_MIN;
  // Digits in some records and letters in others are a code.
  if (isWord(before)) return here.size === 2 && here.has('digit') && here.has('letter');
  return isDigit[at - 1] === true && isWord(here);
}

/** Whether the blanks before this place fill a field up. A single one in a text of wide letters stands between two words. */
function isPadding(at: number, columns: Columns): boolean {
  const isSingle = columns[at - 2]?.has('blank') !== true;
  const around = [columns[at - 2], columns[at]];
  return !(isSingle && around.some((kinds) => kinds?.has('wide') === true));
}

const isWord = (kinds: ReadonlySet<ByteKind>) =>
  kinds.size === 1 && (kinds.has('letter') || kinds.has('wide'));

function digitsFrom(at: number, isDigit: readonly boolean[]): number {
  let end = at;
  while (isDigit[end] === true) end += 1;
  return end - at;
}

/** Cuts a time out of digits that stand around it. */
function withTimes({ start, end }: Span, records: readonly Buffer[]): Span[] {
  for (const length of TIME_LENGTHS) {
    for (let at = start; at + length <= end; at += 1) {
      const texts = records.map((record) => record.toString('latin1', at, at + length));
      if (!texts.every((text) => /^(?:19|20)\d+$/.test(text)) || guessTime(texts) === undefined) continue;
      const rest = [
        { start, end: at },
        { start: at, end: at + length },
        { start: at + length, end },
      ];
      return rest.filter((span) => span.end > span.start);
    }
  }
  return [{ start, end }];
}
