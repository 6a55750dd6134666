import * as v from 'valibot';
import { wholeNumber } from '../../common/config-values.ts';
import { USUAL } from './framer.ts';
import type { FramingComponent } from './framer.ts';
import { createScanFramer } from './scan.ts';
import type { Cut, Scanner } from './scan.ts';

const RECORD_BYTES_MAX = 64 * 1024 * 1024;
const LINE_ENDS = { none: '', newline: '\n', crlf: '\r\n' } as const;

const config = v.strictObject({
  type: v.literal('fixed-length'),
  bytes: wholeNumber(1, RECORD_BYTES_MAX, 'Bytes of every record, without its line end.'),
  line_end: v.optional(
    v.pipe(
      v.picklist(['none', 'newline', 'crlf'], 'must be none, newline or crlf'),
      v.description('What stands behind every record, whose bytes may hold such a line end as well.'),
    ),
    'none',
  ),
});

/** Records begin at multiples of their length, so the one behind a piece that was cut off is found again. */
export const fixedLengthFraming = {
  type: 'fixed-length',
  summary:
    'Every record has the same number of bytes, with a line end behind it or none. For records that may hold line ends (packed numbers); others are cut more safely by `newline`, with the decoder `fixed-length`.',
  example: 'framing: { type: fixed-length, bytes: 120, line_end: crlf }',
  config,
  create: (settings, { charset, recordBytesMax }) => {
    const lineEnd = charset.encode(LINE_ENDS[settings.line_end]);
    return {
      ...USUAL,
      open: (offset) =>
        createScanFramer(offset, {
          recordBytesMax,
          // It would be a part of the first record, or all would be shifted.
          mark: Buffer.alloc(0),
          scanner: createFixedScanner(settings.bytes, lineEnd),
        }),
    };
  },
} satisfies FramingComponent<v.InferOutput<typeof config>>;

function createFixedScanner(contentBytes: number, lineEnd: Buffer): Scanner {
  const recordBytes = contentBytes + lineEnd.length;
  /** Bytes until the next record begins, and how many of them are missing behind the place where the scan stopped. */
  let wanted = recordBytes;
  let missing = recordBytes;

  function cutAt(window: Buffer, end: number): Cut {
    if (wanted < recordBytes) {
      return { end, head: 0, tail: 0, problem: 'is the rest of a record whose beginning was cut off' };
    }
    const hasLineEnd = lineEnd.equals(window.subarray(end - lineEnd.length, end));
    if (hasLineEnd) return { end, head: 0, tail: lineEnd.length };
    return { end, head: 0, tail: 0, problem: `has no line end behind its ${contentBytes} bytes` };
  }

  return {
    begin: (start) => {
      wanted = recordBytes - (start % recordBytes);
      missing = wanted;
    },
    scan: (window, at) => {
      const end = at + missing;
      if (window.length >= end) return cutAt(window, end);
      // The line end is looked at again when all of it is there.
      const seen = Math.max(at, window.length - lineEnd.length);
      missing -= seen - at;
      return seen;
    },
    cutOff: (window, at) => {
      const bytes = wanted - missing + window.length - at;
      const problem =
        wanted < recordBytes
          ? 'is part of the rest of a record whose beginning was cut off'
          : `ends after ${bytes} of ${recordBytes} bytes`;
      // Only its line end is missing.
      return wanted === recordBytes && bytes === contentBytes
        ? { end: window.length, head: 0, tail: 0 }
        : { end: window.length, head: 0, tail: 0, problem };
    },
  };
}
