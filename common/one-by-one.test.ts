import { expect, test } from 'vitest';
import { createOneByOne } from './one-by-one.ts';
import { withResolvers } from './testing/with-resolvers.ts';

test('pieces of work go one after the other, in their order, and one that fails holds up none', async () => {
  const oneByOne = createOneByOne();
  const happened: string[] = [];
  const first = withResolvers();
  const piece = (name: string, until: Promise<unknown>) => async () => {
    happened.push(`${name} begins`);
    await until;
    happened.push(`${name} ends`);
    return name;
  };
  const results = [
    oneByOne(piece('first', first.promise)),
    oneByOne(async () => {
      happened.push('second fails');
      throw new Error('second');
    }),
    oneByOne(piece('third', Promise.resolve())),
  ];
  const settled = Promise.allSettled(results);
  await Promise.resolve();
  expect(happened).toEqual(['first begins']);
  first.resolve();
  expect(await settled).toMatchObject([
    { value: 'first' },
    { reason: { message: 'second' } },
    { value: 'third' },
  ]);
  expect(happened).toEqual(['first begins', 'first ends', 'second fails', 'third begins', 'third ends']);
});
