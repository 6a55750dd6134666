import { expect, test } from 'vitest';
import { createBeginnings } from './beginnings.ts';

/** Resolves when it is told to. */
function gate(): { passed: Promise<string>; open: () => void } {
  let open = () => {};
  const passed = new Promise<string>((resolve) => {
    open = () => resolve('read');
  });
  return { passed, open };
}

test('an archive is told when no other file is being found out any more, also if another one began meanwhile', async () => {
  const told: string[] = [];
  const [first, second] = [gate(), gate()];
  let begun: Promise<unknown> = Promise.resolve();
  const beginnings = createBeginnings<string>((archive) => {
    told.push(archive);
    // There is room for a turn: a log gets it, and then the archive.
    if (archive === 'a.gz') begun = beginnings.turn('b.log', false, () => second.passed);
    if (archive === 'b.gz') void beginnings.turn('b.gz', true, async () => told.push('b.gz is read'));
  });
  const turn = beginnings.turn('a.log', false, () => first.passed);
  for (const archive of ['a.gz', 'b.gz'])
    await beginnings.turn(archive, true, async () => told.push(`${archive} is read`));
  expect(told).toEqual([]);
  first.open();
  await turn;
  expect(told).toEqual(['a.gz', 'b.gz']);
  second.open();
  await begun;
  expect(told).toEqual(['a.gz', 'b.gz', 'b.gz', 'b.gz is read']);
});
