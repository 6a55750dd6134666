import { expect, test } from 'vitest';
import { createGathering } from './gathering.ts';

const with8 = () => {
  const gathering = createGathering(200);
  for (let i = 0; i < 8; i += 1) gathering.begin();
  return gathering;
};

test('takes its share of the work, within bounds', () => {
  const gathering = with8();
  expect([0, 2, 5, 20, 1000].map((workMs) => gathering.delayMs(workMs))).toEqual([24, 24, 40, 160, 200]);
});

test('is longer the more partitions take turns, and shorter again when they are let go', () => {
  const gathering = createGathering(200);
  expect(gathering.delayMs(0)).toBe(20);
  const ends = Array.from({ length: 100 }, () => gathering.begin());
  expect(gathering.delayMs(0)).toBe(200);
  for (const end of ends.slice(0, 90)) end();
  expect(gathering.delayMs(0)).toBe(30);
});

test('is never longer than what is configured', () => {
  expect(createGathering(5).delayMs(0)).toBe(5);
  expect(createGathering(0).delayMs(100)).toBe(0);
});
