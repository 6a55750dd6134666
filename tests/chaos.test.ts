import { expect, test } from 'vitest';
import { assaultProcessors } from './chaos/processors.ts';

/** The short form of `npm run chaos -- processors`. */
test('processors that are killed and paused while logs flow leave every summary as its logs say, each revision published once', async () => {
  const said: string[] = [];
  const verdict = await assaultProcessors({
    seconds: 10,
    seed: 20_260_131,
    processors: 4,
    partitions: 8,
    rate: 1_500,
    say: (text) => said.push(text),
    signal: new AbortController().signal,
  });
  expect({ differences: verdict.differences, said }).toEqual({ differences: [], said });
  // A run in which nothing was hurt would prove nothing.
  expect(verdict.kills).toBeGreaterThan(0);
  expect(verdict.pauses).toBeGreaterThan(0);
  expect(verdict.takeovers).toBeGreaterThan(0);
  expect(verdict.timedOut).toBeGreaterThan(0);
}, 300_000);
