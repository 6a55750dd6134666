import { expect, test } from 'vitest';
import { batchBytesOf } from './run.ts';

test('more is read of a file at a time the more partitions it is spread over, within bounds', () => {
  expect([1, 8, 40, 64, 1000].map((partitions) => batchBytesOf(partitions) / 1024)).toEqual([
    128, 128, 640, 1024, 1024,
  ]);
});
