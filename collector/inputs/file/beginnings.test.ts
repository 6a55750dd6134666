import { expect, test } from 'vitest';
import { withResolvers } from '../../../common/testing/with-resolvers.ts';
import { createBeginnings, createOneByOne } from './beginnings.ts';

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

test('files that begin alike are found out one by one, whatever became of the one before; others at the same time', async () => {
  const begun: string[] = [];
  const oneByOne = createOneByOne();
  const first = withResolvers();
  const take = (head: string, name: string, work: Promise<unknown> = Promise.resolve()) =>
    oneByOne.turn(Buffer.from(head), () => {
      begun.push(name);
      return work;
    });
  const failing = take(
    'h',
    'a',
    first.promise.then(() => Promise.reject(new Error('away'))),
  );
  const next = [take('h', 'b'), take('h', 'c')];
  await take('other', 'd');
  expect(begun).toEqual(['a', 'd']);
  first.resolve();
  await expect(failing).rejects.toThrow('away');
  await Promise.all(next);
  expect(begun).toEqual(['a', 'd', 'b', 'c']);
});
