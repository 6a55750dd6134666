import { expect, test } from 'vitest';
import { assaultMq } from './chaos/mq.ts';

/** The short form of `npm run chaos -- mq`. */
test('a collector that is killed while it gets messages, lost connections and a restarted Redis leave each message in the streams under one event id', async () => {
  const said: string[] = [];
  const verdict = await assaultMq({
    messages: 10_000,
    kills: 4,
    lostConnections: 3,
    redisRestarts: 1,
    getters: 2,
    partitions: 4,
    seed: 20_260_131,
    say: (text) => said.push(text),
    signal: new AbortController().signal,
  });
  expect({ differences: verdict.differences, said }).toEqual({ differences: [], said });
  // A run in which nothing was hurt would prove nothing.
  expect(verdict).toMatchObject({ kills: 4, lostConnections: 3, redisRestarts: 1 });
  expect(verdict.cameBack).toBeGreaterThan(0);
}, 300_000);
