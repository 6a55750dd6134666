import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { createCharset } from '../charset.ts';
import type { Frame, Framing } from './framer.ts';
import { createFraming, framings, framingSchema } from './registry.ts';

/** What every framing owes, over configs of every type and sources made of what matters to it. */

interface Plain extends Omit<Frame, 'bytes'> {
  text: string;
}

interface Case {
  config: Record<string, unknown> & { type: keyof typeof framings };
  encoding?: string;
  /** What sources are made of, as Latin-1. */
  pieces: string[];
  /** What of a source is no part of any record. */
  between?: RegExp;
}

const LINE_ENDS = /^[\r\n]*$/;
const wide = (text: string) => text.replaceAll(/[^]/g, '$&\0');

const CASES: Case[] = [
  {
    config: { type: 'newline' },
    pieces: ['a', 'bcd', '\n', '\r\n', '\r', '\u00ef\u00bb\u00bf'],
    between: /^(?:\u00ef\u00bb\u00bf)?[\r\n]*$/,
  },
  {
    config: { type: 'newline' },
    encoding: 'utf-16le',
    pieces: ['\u00ff\u00fe', wide('ab'), wide('\n'), wide('\r\n'), '\n', '\0\n', 'x\n\n\0'],
    between: /^[\r\n\0\u00ff\u00fe]*$/,
  },
  { config: { type: 'crlf' }, pieces: ['a', 'bc', '\n', '\r', '\r\n', '\r\r\n'] },
  { config: { type: 'csv' }, pieces: ['a', ',', '"', '""', '"a\nb"', '\n', '\r\n', ' ', '\r'] },
  { config: { type: 'csv', delimiter: '||', quote: "'" }, pieces: ['a', '|', '||', "'", '\n', ' '] },
  {
    config: { type: 'csv', delimiter: '|' },
    encoding: 'shift_jis',
    // ポ, whose second byte is that of `|`, and what it begins with alone; a character of one byte.
    pieces: ['a', '|', '"', '\u0083\u007c', '\u0083', '\u00b1', '\n', '\r\n'],
  },
  {
    config: { type: 'multi-line', start: '^\\[' },
    pieces: ['[a', 'b', '\n', '\r\n', '\n\n', '\n[c', '\n\t'],
  },
  {
    config: { type: 'multi-line', continuation: '^\\s|^$' },
    pieces: ['a', '\n', ' at b', '\n at c', '\r\n', '\n\n'],
  },
  {
    config: { type: 'multi-line', start: '^b' },
    encoding: 'utf-16be',
    pieces: ['\0a', '\0b', '\0\n', '\0\r\0\n', '\n\0', '\n'],
    between: /^[\r\n\0]*$/,
  },
  { config: { type: 'fixed-length', bytes: 3 }, pieces: ['a', 'bc', '\n', 'def'] },
  { config: { type: 'fixed-length', bytes: 3, line_end: 'crlf' }, pieces: ['abc', '\r\n', 'a', 'abc\r\n'] },
  {
    config: { type: 'length-prefixed', prefix: 'uint16be' },
    pieces: ['\0\u0002ab', '\0\0', '\0\u0009', 'abc', '\u0001'],
    between: /^\0*$/,
  },
  {
    config: { type: 'length-prefixed', prefix: 'uint32le', inclusive: true },
    pieces: ['\u0006\0\0\0ab', '\u0004\0\0\0', '\0', 'x', '\u0009\0\0\0'],
    // Records of their length alone.
    // oxlint-disable-next-line no-control-regex
    between: /^(?:\u0004\0\0\0)*$/,
  },
  {
    config: { type: 'length-prefixed', prefix: 'digits', digits: 2 },
    pieces: ['02ab', ' 1a', '00', 'x', '12', '0'],
    between: /^(?:00| 0)*$/,
  },
  {
    config: { type: 'xml' },
    pieces: [
      '<a>',
      '</a>',
      '<b x="/>"/>',
      '<?xml v?>',
      '<!--<a>-->',
      '<![CDATA[</a>]]>',
      't',
      ' ',
      '<',
      '>',
      '"',
    ],
    between: /^\s*$/,
  },
  {
    config: { type: 'xml', root: 'n:e' },
    pieces: [
      '<n:e>',
      '</n:e>',
      '<n:e/>',
      '<n:ee>',
      '<s>',
      '</s>',
      '<?xml v?>',
      '<!-- -->',
      '\n',
      'x',
      '<n',
      '<!',
      '<![CDATA[<n:e/>]]>',
      '<?p <n:e/>?>',
    ],
    between: /^(?:\s|<\?.*?\?>|<!--.*?-->)*$/s,
  },
  {
    config: { type: 'xml', root: 'e', outside: 'skip' },
    pieces: [
      '<e>',
      '</e>',
      '<e/>',
      '<s>',
      '</s>',
      '<?xml v?>',
      '\n',
      'x',
      '<',
      '<![CDATA[<e/>]]>',
      '<!--<e/>-->',
      '<?p <e/>?>',
    ],
    between: /^/,
  },
];

const BYTES_MAX = 9;
/** A record's prefix counts in the offsets, not in its bytes. */
const prefixBytesOf = ({ config }: Case) =>
  ({ uint16be: 2, uint32le: 4, digits: 2 })[String(config['prefix'])] ?? 0;

function framingOf({ config, encoding = 'utf-8' }: Case, recordBytesMax = BYTES_MAX): Framing {
  const checked = v.parse(framingSchema, config);
  return createFraming(checked, { charset: createCharset(encoding), recordBytesMax });
}

function frameAll(framing: Framing, chunks: readonly Buffer[], offset = 0, flush = true) {
  const framer = framing.open(offset);
  const frames: Plain[] = [];
  const emit = ({ bytes, ...rest }: Frame) => frames.push({ ...rest, text: bytes.toString('latin1') });
  // One buffer for every chunk, as a tailer has it: a frame that kept a view on an earlier one would show.
  const shared = Buffer.alloc(Math.max(1, ...chunks.map((chunk) => chunk.length)));
  for (const chunk of chunks) {
    chunk.copy(shared);
    framer.push(shared.subarray(0, chunk.length), emit);
  }
  if (flush) framer.flush(emit);
  return { frames, framer };
}

function chunked(all: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(all.subarray(at, at + size));
    at += size;
  }
  return [...chunks, all.subarray(at)];
}

const sourceOf = (pieces: readonly string[]) =>
  fc
    .array(fc.constantFrom(...pieces), { maxLength: 24 })
    .map((parts) => Buffer.from(parts.join(''), 'latin1'));
const sizes = fc.array(fc.nat({ max: 7 }), { maxLength: 60 });

test('every framing has its cases', () => {
  expect(new Set(CASES.map(({ config }) => config.type))).toEqual(new Set(Object.keys(framings)));
});

describe.each(CASES)('$config.type $config $encoding', (one) => {
  const framing = framingOf(one);

  test('gives the same records for any chunks', () => {
    fc.assert(
      fc.property(sourceOf(one.pieces), sizes, fc.boolean(), (all, sizes, flush) => {
        const whole = frameAll(framing, [all], 0, flush);
        const pieces = frameAll(framing, chunked(all, sizes), 0, flush);
        expect(pieces.frames).toEqual(whole.frames);
      }),
      { numRuns: 600 },
    );
  });

  test('goes on exactly from the end of any record', () => {
    fc.assert(
      fc.property(sourceOf(one.pieces), (all) => {
        const { frames } = frameAll(framing, [all]);
        for (const [index, { end }] of frames.entries()) {
          const again = frameAll(framing, [all.subarray(end)], end);
          expect(again.frames).toEqual(frames.slice(index + 1));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('goes on exactly from where any read of the source ended', () => {
    fc.assert(
      fc.property(sourceOf(one.pieces), fc.nat({ max: 60 }), (all, at) => {
        const before = frameAll(framing, [all.subarray(0, at)], 0, false);
        const after = frameAll(framing, [all.subarray(before.framer.end)], before.framer.end);
        expect([...before.frames, ...after.frames]).toEqual(frameAll(framing, [all]).frames);
        expect(before.framer.end + before.framer.pending).toBe(Math.min(at, all.length));
      }),
      { numRuns: 300 },
    );
  });

  test('loses nothing: what is in no record is what frames them', () => {
    fc.assert(
      fc.property(sourceOf(one.pieces), (all) => {
        const { frames, framer } = frameAll(framingOf(one, 1000), [all]);
        expect([framer.end, framer.pending]).toEqual([all.length, 0]);
        let end = 0;
        let left = '';
        for (const frame of frames) {
          expect(frame.start).toBeGreaterThanOrEqual(end);
          left += all.toString('latin1', end, frame.start);
          const content = all.toString('latin1', frame.start, frame.end);
          expect(content).toContain(frame.text);
          expect(frame.length).toBe(frame.text.length);
          const prefix = frame.problem === undefined ? prefixBytesOf(one) : 0;
          left += content.slice(prefix).replace(frame.text, () => '');
          end = frame.end;
        }
        left += all.toString('latin1', end);
        expect(left).toMatch(one.between ?? LINE_ENDS);
      }),
      { numRuns: 300 },
    );
  });
});

/** Beginnings of records that never end. */
const ENDLESS: [Case['config'], string][] = [
  [{ type: 'newline' }, ''],
  [{ type: 'crlf' }, ''],
  [{ type: 'csv' }, '"'],
  [{ type: 'multi-line', start: '^\\[' }, '[\n'],
  [{ type: 'fixed-length', bytes: 64 * 1024 * 1024 }, ''],
  [{ type: 'length-prefixed', prefix: 'uint32be' }, '\u0002\0\0\0'],
  [{ type: 'length-prefixed', prefix: 'digits', digits: 8 }, 'x'],
  [{ type: 'xml' }, '<a b="'],
  [{ type: 'xml' }, '<!--'],
  [{ type: 'xml', root: 'e' }, '<!--'],
  [{ type: 'xml', root: 'e' }, 'x'],
];

test.each(ENDLESS)('%j holds no more of a source than of a record that is too long', (config, beginning) => {
  const framer = framingOf({ config, pieces: [] }, 1000).open(0);
  framer.push(Buffer.from(beginning, 'latin1'), () => expect.unreachable());
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 500; i += 1) framer.push(chunk, () => expect.unreachable());
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * chunk.length);
  expect(framer.end + framer.pending).toBe(beginning.length + 500 * chunk.length);
});
