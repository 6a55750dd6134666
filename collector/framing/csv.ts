import * as v from 'valibot';
import type { Charset } from '../charset.ts';
import { delimiterSchema, quoteSchema } from '../delimited-format.ts';
import { pairsIn } from '../two-bytes.ts';
import type { IsPair } from '../two-bytes.ts';
import { USUAL } from './framer.ts';
import type { FramingComponent } from './framer.ts';
import { createScanFramer } from './scan.ts';
import type { Scanner } from './scan.ts';

const config = v.strictObject({
  type: v.literal('csv'),
  delimiter: v.optional(delimiterSchema('What stands between two fields, as the decoder has it.'), ','),
  quote: v.optional(quoteSchema('Character that encloses fields, as the decoder has it.'), '"'),
});
type CsvConfig = v.InferOutput<typeof config>;

/** Rows as RFC 4180 has them, where a field in quotes may hold line breaks. */
export const csvFraming = {
  type: 'csv',
  summary:
    'Each row is a record. It ends with a newline that is not within quotes, so that quoted fields may hold line breaks. A quote that is never closed takes the rows up to the next quote with it; where no field holds line breaks, `newline` is safer.',
  example: 'framing: { type: csv }',
  config,
  needsAscii: true,
  create: (settings, { charset, recordBytesMax }) => {
    const marks = marksOf(settings, charset);
    return {
      ...USUAL,
      open: (offset) =>
        createScanFramer(offset, { recordBytesMax, mark: charset.mark, scanner: createCsvScanner(marks) }),
    };
  },
} satisfies FramingComponent<CsvConfig>;

/** What matters in a row, in the bytes of its encoding. */
interface Marks {
  delimiter: Buffer;
  quote: number | undefined;
  /** Given if what looks like one of these may be the second byte of a character. */
  isPair: IsPair | undefined;
}

function marksOf({ delimiter, quote }: CsvConfig, charset: Charset): Marks {
  const [delimiterBytes, quoteBytes] = [charset.encode(delimiter), charset.encode(quote)];
  const sought = [delimiterBytes, quoteBytes].flatMap((bytes) => [...bytes.subarray(0, 1)]);
  return { delimiter: delimiterBytes, quote: quoteBytes[0], isPair: pairsIn(charset, sought) };
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

/**
 * Where in a row the scan is: at the beginning of a field (or in the spaces before it), within one without quotes, within quotes, or
 * behind a quote in them: the closing one, unless another one follows, since two of them are one that is meant.
 */
type Place = 'before field' | 'in field' | 'in quotes' | 'behind quote';

function createCsvScanner({ delimiter, quote, isPair }: Marks): Scanner {
  const [firstOfDelimiter] = delimiter;
  let place: Place = 'before field';
  let last = 0;

  function follow(byte: number): Place {
    if (byte === quote && place !== 'in field') return place === 'in quotes' ? 'behind quote' : 'in quotes';
    if (place === 'before field' && (byte === SPACE || byte === TAB)) return place;
    return place === 'in quotes' ? place : 'in field';
  }

  return {
    begin: () => {
      place = 'before field';
      last = 0;
    },
    scan: (window, from) => {
      let at = from;
      while (at < window.length) {
        const byte = window[at] ?? 0;
        if (byte === NEWLINE && place !== 'in quotes') {
          const tail = last === CARRIAGE_RETURN ? 2 : 1;
          return { end: at + 1, head: 0, tail };
        }
        if (byte === firstOfDelimiter && place !== 'in quotes') {
          const there = window.subarray(at, at + delimiter.length);
          const isDelimiter = there.equals(delimiter);
          if (!isDelimiter && at + delimiter.length > window.length && isBeginning(there, delimiter))
            return at;
          if (isDelimiter) {
            place = 'before field';
            at += delimiter.length;
            last = 0;
            continue;
          }
        }
        const isFirst = isPair !== undefined && byte >= 0x80;
        // It cannot tell before there is more.
        if (isFirst && at + 1 === window.length) return at;
        place = follow(byte);
        last = byte;
        at += isFirst && isPair(byte, window[at + 1] ?? 0) ? 2 : 1;
      }
      return at;
    },
    cutOff: (window) => ({ end: window.length, head: 0, tail: last === CARRIAGE_RETURN ? 1 : 0 }),
  };
}

function isBeginning(bytes: Buffer, whole: Buffer): boolean {
  return bytes.equals(whole.subarray(0, bytes.length));
}
