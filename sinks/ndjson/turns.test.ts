import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { until } from '../../common/testing/until.ts';
import { withResolvers } from '../../common/testing/with-resolvers.ts';
import { createTurns } from './turns.ts';

const never = new AbortController().signal;

test('behind a disk that hangs, attempts that are given up keep no bytes, and are never begun', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const turns = createTurns();
  const hung = withResolvers();
  let begun = 0;
  let held = 0;
  const registry = new FinalizationRegistry(() => (held -= 1));
  const attempt = () => {
    const bytes = Buffer.alloc(1024 * 1024);
    registry.register(bytes, '');
    held += 1;
    return turns.runBounded(
      async () => {
        begun += 1;
        await hung.promise;
        return bytes.length;
      },
      { signal: never, msMax: 5 },
    );
  };
  for (let i = 0; i < 5; i += 1)
    await expect(attempt()).rejects.toThrow('the disk did not answer within 5 ms');
  await until('all but the one that hangs are let go', () => {
    collectGarbage();
    return held <= 1;
  });
  hung.resolve();
  await turns.run(async () => undefined);
  expect(begun).toBe(1);
});

test('what comes while the process is about to end is not begun', async () => {
  const turns = createTurns();
  const work = () => Promise.resolve('done');
  await expect(turns.runBounded(work, { signal: never, msMax: 5000 })).resolves.toBe('done');
  await expect(turns.runBounded(work, { signal: AbortSignal.abort(), msMax: 5000 })).rejects.toThrow(
    'given up',
  );
});
