import { expect, test } from 'vitest';
import { assaultSinks } from './chaos/sinks.ts';

/** The short form of `npm run chaos -- sinks`. */
test('sinks processes and a ClickHouse that are killed while logs flow, and inserts whose answers are lost, leave each log in exactly one row', async () => {
  const said: string[] = [];
  const verdict = await assaultSinks({
    seconds: 14,
    seed: 20_260_131,
    sinks: 3,
    partitions: 4,
    rate: 1_000,
    kills: 4,
    storeKills: 2,
    lostAnswers: 2,
    away: 3,
    say: (text) => said.push(text),
    signal: new AbortController().signal,
  });
  expect({ differences: verdict.differences, said }).toEqual({ differences: [], said });
  // A run in which nothing was hurt would prove nothing.
  expect(verdict.storeKills).toBe(2);
  expect(verdict.lostAnswers).toBe(2);
  expect(verdict.takeovers).toBeGreaterThan(0);
}, 300_000);
