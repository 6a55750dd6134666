import { expect, test } from 'vitest';
import { assaultFiles } from './chaos/files.ts';

/** The short form of `npm run chaos -- files`. */
test('D48: a collector that is killed while files are written, renamed and packed collects every line exactly once', async () => {
  const said: string[] = [];
  const verdict = await assaultFiles({
    seed: 20_260_131,
    kills: 8,
    writers: 5,
    partitions: 4,
    rate: 2_000,
    say: (text) => said.push(text),
    signal: new AbortController().signal,
  });
  expect({ differences: verdict.differences, said }).toEqual({ differences: [], said });
  // A run in which nothing was hurt would prove nothing.
  expect(verdict.kills).toBe(8);
  expect(verdict.rotations).toBeGreaterThan(5);
  expect(verdict.lines).toBeGreaterThan(5_000);
}, 300_000);
