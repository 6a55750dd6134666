import { expect, test } from 'vitest';
import { withResolvers } from '../../../common/testing/with-resolvers.ts';
import { createBeginnings } from './beginnings.ts';

test('an archive is told when no other file is being found out any more, also if another one began meanwhile', async () => {
  const told: string[] = [];
  const [first, second] = [withResolvers(), withResolvers()];
  let begun: Promise<unknown> = Promise.resolve();
  const beginnings = createBeginnings<string>((archive) => {
    told.push(archive);
    // There is room for a turn: a log gets it, and then the archive.
    if (archive === 'a.gz') begun = beginnings.turn('b.log', false, () => second.promise);
    if (archive === 'b.gz') void beginnings.turn('b.gz', true, async () => told.push('b.gz is read'));
  });
  const turn = beginnings.turn('a.log', false, () => first.promise);
  for (const archive of ['a.gz', 'b.gz'])
    await beginnings.turn(archive, true, async () => told.push(`${archive} is read`));
  expect(told).toEqual([]);
  first.resolve();
  await turn;
  expect(told).toEqual(['a.gz', 'b.gz']);
  second.resolve();
  await begun;
  expect(told).toEqual(['a.gz', 'b.gz', 'b.gz', 'b.gz is read']);
});
