import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UTF_8 } from '../charset.ts';
import type { Frame } from './framer.ts';
import { createNewlineFramer } from './newline.ts';

interface Plain {
  text: string;
  start: number;
  end: number;
  length: number;
}

const createFramer = (offset: number, lineBytesMax: number) =>
  createNewlineFramer(offset, lineBytesMax, UTF_8);

const plain = ({ bytes, start, end, length }: Frame): Plain => ({
  text: bytes.toString('latin1'),
  start,
  end,
  length,
});

function frameAll(chunks: readonly Buffer[], lineBytesMax = 1000, flush = false, offset = 0): Plain[] {
  const framer = createFramer(offset, lineBytesMax);
  const frames: Plain[] = [];
  // One buffer for every chunk, as a tailer has it: a frame that kept a view on an earlier one would show.
  const shared = Buffer.alloc(Math.max(1, ...chunks.map((chunk) => chunk.length)));
  for (const chunk of chunks) {
    chunk.copy(shared);
    framer.push(shared.subarray(0, chunk.length), (frame) => frames.push(plain(frame)));
  }
  if (flush) framer.flush((frame) => frames.push(plain(frame)));
  return frames;
}

/** The same said in the simplest way, over the whole at once. */
function simpleSplit(all: Buffer, lineBytesMax: number, flush: boolean): Plain[] {
  const frames: Plain[] = [];
  const lines = all.toString('latin1').split('\n');
  let start = 0;
  lines.forEach((line, index) => {
    const last = index === lines.length - 1;
    const end = start + line.length + (last ? 0 : 1);
    let text = start === 0 ? line.replace(/^\u00ef\u00bb\u00bf/, '') : line;
    text = text.replace(/\r$/, '');
    if (text !== '' && (!last || flush)) {
      frames.push({ text: text.slice(0, lineBytesMax), start, end, length: text.length });
    }
    start = end;
  });
  return frames;
}

const texts = (frames: readonly Plain[]) => frames.map((frame) => frame.text);
const chunksOf = (...parts: string[]) => parts.map((part) => Buffer.from(part, 'latin1'));

describe('framing', () => {
  test('gives the same records and offsets as a simple split, whatever the bytes and the chunks', () => {
    const piece = fc.oneof(
      fc.constantFrom('\n', '\r\n', '\r', '\n\n', '\u00ef\u00bb\u00bf', 'abc', 'x'.repeat(12)),
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    const bytes = fc.array(piece, { maxLength: 20 }).map((pieces) => Buffer.from(pieces.join(''), 'latin1'));
    fc.assert(
      fc.property(
        bytes,
        fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        (all, sizes, lineBytesMax, flush) => {
          const chunks: Buffer[] = [];
          let at = 0;
          for (const size of sizes) {
            chunks.push(all.subarray(at, at + size));
            at += size;
          }
          chunks.push(all.subarray(at));
          expect(frameAll(chunks, lineBytesMax, flush)).toEqual(simpleSplit(all, lineBytesMax, flush));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('can stop after any record and go on from its end', () => {
    const all = Buffer.from('one\r\n\ntwo\nthree\n');
    const frames = frameAll([all]);
    for (const [index, { end }] of frames.entries()) {
      expect(frameAll([all.subarray(end)], 1000, false, end)).toEqual(frames.slice(index + 1));
    }
  });

  test('holds a line until its newline comes', () => {
    const framer = createFramer(0, 100);
    const seen: string[] = [];
    framer.push(Buffer.from('a\nhal'), (frame) => seen.push(frame.bytes.toString()));
    expect([seen, framer.end, framer.pending]).toEqual([['a'], 2, 3]);
    framer.push(Buffer.from('f\n'), (frame) => seen.push(frame.bytes.toString()));
    expect([seen, framer.end, framer.pending]).toEqual([['a', 'half'], 7, 0]);
  });

  test('takes a CRLF for one ending when a chunk ends between its bytes', () => {
    expect(texts(frameAll(chunksOf('a\r', '\nb\r', '\n')))).toEqual(['a', 'b']);
  });

  test('strips one carriage return, not two', () => {
    expect(texts(frameAll(chunksOf('a\r\r\n')))).toEqual(['a\r']);
  });

  test('strips a byte order mark from the beginning of the source only', () => {
    const mark = '\u00ef\u00bb\u00bf';
    expect(frameAll(chunksOf('\u00ef', '\u00bb\u00bf', `a\n${mark}b\n`))).toMatchObject([
      { text: 'a', start: 0, end: 5, length: 1 },
      { text: `${mark}b`, start: 5 },
    ]);
    expect(texts(frameAll(chunksOf(`${mark}a\n`), 100, false, 7))).toEqual([`${mark}a`]);
    expect(frameAll(chunksOf(`${mark}\r\n`))).toEqual([]);
  });

  test('keeps a line of exactly the longest length whole, with and without CRLF', () => {
    for (const ending of ['\n', '\r\n']) {
      expect(frameAll(chunksOf(`abcde${ending}`), 5)).toMatchObject([{ text: 'abcde', length: 5 }]);
      expect(frameAll(chunksOf(`abcdef${ending}`), 5)).toMatchObject([{ text: 'abcde', length: 6 }]);
    }
  });

  test('keeps of a line that never ends no more than of one that is too long', () => {
    const framer = createFramer(0, 1000);
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 1000; i += 1) framer.push(chunk, () => expect.unreachable());
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * chunk.length);
    const frames: Plain[] = [];
    framer.push(Buffer.from('\nok\n'), (frame) => frames.push(plain(frame)));
    expect(frames).toEqual([
      { text: 'x'.repeat(1000), start: 0, end: 65_536_001, length: 65_536_000 },
      { text: 'ok', start: 65_536_001, end: 65_536_004, length: 2 },
    ]);
  });
});
