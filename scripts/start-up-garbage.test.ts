import { expect, test } from 'vitest';
import { collectStartUpGarbage } from './start-up-garbage.ts';

test('what nobody holds any more is gone', async () => {
  const refs = Array.from({ length: 100 }, () => new WeakRef({ text: 'x'.repeat(1000) }));
  // What was made in this turn of the event loop is held until it ends.
  await new Promise(setImmediate);
  collectStartUpGarbage();
  expect(refs.filter((ref) => ref.deref() !== undefined)).toEqual([]);
  expect(globalThis).not.toHaveProperty('gc');
});
