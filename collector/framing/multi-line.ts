import * as v from 'valibot';
import { duration } from '../../common/config-values.ts';
import type { Charset } from '../charset.ts';
import { checkedPattern, patternSchema } from '../pattern.ts';
import { endsWith, firstUnitAt, indexOfUnits, wholeUnits } from './delimiter-scanner.ts';
import type { FramingComponent } from './framer.ts';
import { createScanFramer, nothing } from './scan.ts';
import type { Cut, Scanner } from './scan.ts';

/** So much of a line is looked at. */
const LOOK_BYTES_MAX = 16 * 1024;

const config = v.pipe(
  v.strictObject({
    type: v.literal('multi-line'),
    start: v.exactOptional(
      patternSchema(
        'Pattern (RE2) that is found in the first line of a record; lines in which it is not belong to the record before.',
      ),
    ),
    continuation: v.exactOptional(
      patternSchema(
        'Pattern (RE2) that is found in every further line of a record; any other line begins a record.',
      ),
    ),
    flush_after: v.optional(
      duration(
        'A last record is taken when the file has not grown for so long, since only another record would show that it has ended. Lines that belong to it and come later become a record of their own.',
      ),
      '2s',
    ),
  }),
  v.check(
    ({ start, continuation }) => (start === undefined) !== (continuation === undefined),
    'must have exactly one of `start` and `continuation`',
  ),
);
type MultiLineConfig = v.InferOutput<typeof config>;

/** Records of several lines, like a stack trace below the line that it belongs to. */
export const multiLineFraming = {
  type: 'multi-line',
  summary:
    'A record is a line and those below it that belong to it, such as a stack trace. Lines before the first `start` are records of their own. Empty lines within a record stay.',
  example: String.raw`framing: { type: multi-line, start: '^\d{4}-\d{2}-\d{2} ' }`,
  config,
  create: (settings, { charset, recordBytesMax }) => ({
    flushAfterMs: settings.flush_after,
    findsNext: true,
    open: (offset) =>
      createScanFramer(offset, {
        recordBytesMax,
        mark: charset.mark,
        scanner: new LineScanner(linesOf(settings, charset), charset),
      }),
  }),
} satisfies FramingComponent<MultiLineConfig>;

interface Lines {
  /** Whether a line begins a record, if one stands before it. */
  begins(line: Buffer): boolean;
  /** Whether lines may follow one that is the first of a record. */
  mayGoOn(line: Buffer): boolean;
}

function linesOf({ start, continuation }: MultiLineConfig, charset: Charset): Lines {
  const pattern = checkedPattern(start ?? continuation ?? '');
  const isFound = (line: Buffer) => pattern.test(charset.show(line));
  return start === undefined
    ? { begins: (line) => !isFound(line), mayGoOn: () => true }
    : { begins: isFound, mayGoOn: isFound };
}

/** Goes from line to line. Each is looked at once, when it is whole or as much of it is there as is looked at. */
class LineScanner implements Scanner {
  readonly #lines: Lines;
  readonly #newline: Buffer;
  readonly #carriageReturn: Buffer;
  #unitAt = 0;
  /** Whole lines of the record so far. */
  #count = 0;
  /** Whether the line that the scan is in was looked at, and found to be the record's. */
  #taken = false;
  /** Whether that line is empty. */
  #blank = false;
  /** Whether the record is a single line that nothing belongs to. */
  #alone = false;
  /** Bytes of the line end behind the last line that is not empty, and of the empty lines below it. */
  #tail = 0;
  #atLineStart = true;

  constructor(lines: Lines, charset: Charset) {
    this.#lines = lines;
    this.#newline = charset.encode('\n');
    this.#carriageReturn = charset.encode('\r');
  }

  begin(start: number): void {
    this.#unitAt = firstUnitAt(start, this.#newline.length);
    this.#count = 0;
    this.#taken = false;
    this.#alone = false;
    this.#tail = 0;
    this.#atLineStart = true;
  }

  isWhole(): boolean {
    return this.#count > 0 && this.#atLineStart;
  }

  scan(window: Buffer, from: number): Cut | number {
    let at = from;
    for (;;) {
      const newline = indexOfUnits(window, this.#newline, at, this.#newline.length, this.#unitAt);
      if (!this.#taken) {
        if (newline < 0 && window.length - at < LOOK_BYTES_MAX) {
          this.#atLineStart = window.length === at;
          return at;
        }
        const cut = this.#look(window, at, newline);
        if (cut !== undefined) return cut;
      }
      if (newline < 0) {
        this.#atLineStart = false;
        return wholeUnits(window.length - 2 * this.#newline.length, at, this.#newline.length);
      }
      at = this.#endLine(window, newline);
      if (this.#alone) return { end: at, head: 0, tail: this.#tail };
    }
  }

  cutOff(window: Buffer, at: number): Cut {
    // The line that has no end may be another record's.
    const last = window.subarray(at);
    if (this.#count > 0 && !this.#taken && last.length > 0 && this.#lines.begins(last)) {
      return { end: at, head: 0, tail: this.#tail };
    }
    if (this.isWhole()) return { end: window.length, head: 0, tail: this.#tail };
    const tail = endsWith(window, this.#carriageReturn, window.length) ? this.#carriageReturn.length : 0;
    return { end: window.length, head: 0, tail };
  }

  /** Looks whose the line is that begins at `at`: not the record's if the record ends before it. */
  #look(window: Buffer, at: number, newline: number): Cut | undefined {
    const end = newline < 0 ? window.length : newline;
    const seen = window.subarray(at, Math.min(end, at + LOOK_BYTES_MAX));
    const line = endsWith(seen, this.#carriageReturn, seen.length)
      ? seen.subarray(0, seen.length - this.#carriageReturn.length)
      : seen;
    if (this.#count === 0) {
      if (line.length === 0) return nothing(end + this.#newline.length);
      this.#alone = !this.#lines.mayGoOn(line);
    } else if (this.#lines.begins(line)) {
      return { end: at, head: 0, tail: this.#tail };
    }
    this.#taken = true;
    this.#blank = line.length === 0;
    return undefined;
  }

  /** @returns where the next line begins. */
  #endLine(window: Buffer, newline: number): number {
    const before = endsWith(window, this.#carriageReturn, newline) ? this.#carriageReturn.length : 0;
    this.#tail = (this.#blank ? this.#tail : 0) + before + this.#newline.length;
    this.#count += 1;
    this.#taken = false;
    this.#atLineStart = true;
    return newline + this.#newline.length;
  }
}
