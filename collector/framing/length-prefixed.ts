import * as v from 'valibot';
import { wholeNumber } from '../../common/config-values.ts';
import type { FramingComponent } from './framer.ts';
import { createScanFramer, nothing } from './scan.ts';
import type { Scanner } from './scan.ts';

/** A length beyond this is none: `line_bytes_max` cannot be more. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;
const DIGITS_MAX = 10;

const config = v.pipe(
  v.strictObject({
    type: v.literal('length-prefixed'),
    prefix: v.pipe(
      v.picklist(
        ['uint16be', 'uint16le', 'uint32be', 'uint32le', 'digits'],
        'must be uint16be, uint16le, uint32be, uint32le or digits',
      ),
      v.description(
        'How the length is written: a binary number of 2 or 4 bytes with the highest (`be`) or the lowest byte first, or ASCII digits.',
      ),
    ),
    digits: v.exactOptional(
      wholeNumber(
        1,
        DIGITS_MAX,
        'How many digits the length has, with zeros or spaces before it; for `prefix: digits`.',
      ),
    ),
    inclusive: v.optional(
      v.pipe(v.boolean('must be true or false'), v.description('Whether the length counts itself too.')),
      false,
    ),
  }),
  v.check(
    ({ prefix, digits }) => (prefix === 'digits') === (digits !== undefined),
    'needs `digits` if its `prefix` is digits, and has none otherwise',
  ),
);
type LengthPrefixedConfig = v.InferOutput<typeof config>;

/** A record's length stands before it. Nothing shows where a record begins but the end of the one before it. */
export const lengthPrefixedFraming = {
  type: 'length-prefixed',
  summary:
    'Before each record stands its length in bytes. A last record that is not whole waits for the rest of it as long as the file is there. Where there is no length, the bytes up to the next one that can be are kept as a dead letter.',
  example: 'framing: { type: length-prefixed, prefix: digits, digits: 6 }',
  config,
  create: (settings, { recordBytesMax }) => ({
    flushAfterMs: 0,
    findsNext: false,
    open: (offset) =>
      createScanFramer(offset, {
        recordBytesMax,
        mark: Buffer.alloc(0),
        scanner: createPrefixScanner(settings),
      }),
  }),
} satisfies FramingComponent<LengthPrefixedConfig>;

function createPrefixScanner(settings: LengthPrefixedConfig): Scanner {
  const { prefixBytes, lengthAt } = prefixOf(settings);
  const own = settings.inclusive ? prefixBytes : 0;
  /** Bytes of the record that are missing behind the place where the scan stopped; undefined before its length is known. */
  let missing: number | undefined;
  let recordBytes = 0;
  let broken = false;

  /** Bytes of a whole record, its prefix among them; undefined if no length stands there. */
  function recordAt(window: Buffer, at: number): number | undefined {
    const length = lengthAt(window, at);
    const valid = length !== undefined && length >= own && length <= RECORD_BYTES_MAX;
    return valid ? prefixBytes - own + length : undefined;
  }

  function scanBroken(window: Buffer, at: number) {
    for (let next = at; next + prefixBytes <= window.length; next += 1) {
      if (recordAt(window, next) !== undefined) return { end: next, head: 0, tail: 0, problem: NO_LENGTH };
    }
    return Math.max(at, window.length - prefixBytes + 1);
  }

  return {
    begin: () => {
      missing = undefined;
      broken = false;
    },
    scan: (window, at) => {
      if (broken) return scanBroken(window, at);
      if (missing === undefined) {
        if (window.length < prefixBytes) return 0;
        const bytes = recordAt(window, 0);
        if (bytes === undefined) {
          broken = true;
          return scanBroken(window, 1);
        }
        recordBytes = bytes;
        missing = bytes;
      }
      const end = at + missing;
      if (window.length >= end)
        return recordBytes === prefixBytes ? nothing(end) : { end, head: prefixBytes, tail: 0 };
      missing -= window.length - at;
      return window.length;
    },
    cutOff: (window) => {
      const problem = broken ? NO_LENGTH : 'ends before the length that it says';
      return { end: window.length, head: 0, tail: 0, problem };
    },
  };
}

const NO_LENGTH = 'has no length before it';

interface Prefix {
  prefixBytes: number;
  readonly lengthAt: (window: Buffer, at: number) => number | undefined;
}

const BINARY: Readonly<Record<Exclude<LengthPrefixedConfig['prefix'], 'digits'>, Prefix>> = {
  uint16be: { prefixBytes: 2, lengthAt: (window, at) => window.readUInt16BE(at) },
  uint16le: { prefixBytes: 2, lengthAt: (window, at) => window.readUInt16LE(at) },
  uint32be: { prefixBytes: 4, lengthAt: (window, at) => window.readUInt32BE(at) },
  uint32le: { prefixBytes: 4, lengthAt: (window, at) => window.readUInt32LE(at) },
};

function prefixOf({ prefix, digits = 0 }: LengthPrefixedConfig): Prefix {
  return prefix === 'digits'
    ? { prefixBytes: digits, lengthAt: (window, at) => digitsAt(window, at, digits) }
    : BINARY[prefix];
}

function digitsAt(window: Buffer, at: number, digits: number): number | undefined {
  const text = window.toString('latin1', at, at + digits);
  return /^ *\d+$/.test(text) ? Number(text) : undefined;
}
