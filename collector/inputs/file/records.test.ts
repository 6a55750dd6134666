import { expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import type { RawRecord } from '../../outcome.ts';
import { createRecordMaker } from './records.ts';

function headersOf(usesHeader: boolean): (string | undefined)[] {
  const seen: (string | undefined)[] = [];
  const pipeline = {
    usesHeader,
    maskLetter: <T>(letter: T) => letter,
    fromStandardLine: () => undefined,
    fromBytes: ({ header }: RawRecord) => {
      seen.push(header?.toString());
      return [];
    },
    fromFields: () => [],
  };
  const make = createRecordMaker(
    { name: 'a', clock: systemClock, pipeline, lineBytesMax: 10 },
    's',
    undefined,
  );
  ['h', 'x'].forEach((text, at) =>
    make({ bytes: Buffer.from(text), start: at, end: at + 1, length: 1 }, 'p'),
  );
  return seen;
}

test('a header is kept for decoders that read it, and for no others, as it would be for each of thousands of files', () => {
  expect(headersOf(true)).toEqual(['h', 'h']);
  expect(headersOf(false)).toEqual([undefined, undefined]);
});
