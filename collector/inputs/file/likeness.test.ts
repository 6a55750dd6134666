import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { plainContent } from './content.ts';
import type { Content } from './content.ts';
import { inFoldersOfTheirOwn, line, linesOf } from './fixture.ts';
import { beforeIn, likenessOf, secondOf } from './likeness.ts';
import type { Compared } from './likeness.ts';

let dir: string;
let log: string;

inFoldersOfTheirOwn((given) => {
  ({ dir, log } = given);
});

const header = `${line('HEADER', 1100)}\n`;

async function contentOf(text: string): Promise<Compared> {
  const path = join(dir, 'copy.log');
  await writeFile(path, text);
  const content = plainContent(await open(path));
  const bytes = Buffer.from(text).length;
  const [second, before] = [await secondOf(content), (at: number, n: number) => beforeIn(content, at, n)];
  return { before, second: async () => second, length: () => bytes };
}

/** A log that has rested, and was read so far. */
async function sourceReadTo(at: number) {
  const content = plainContent(await open(log));
  const peek = <T>(look: (content: Content) => Promise<T>) => look(content);
  const readTo = { at, bytes: await beforeIn(content, at, Math.min(at, 1024)) };
  return { readTo, file: { path: log, isAtRest: true, unreadBytes: 0, peek } };
}

test('a file is part of another one, or apart, by what both hold now', async () => {
  const text = header + linesOf('a', 0, 30).text;
  await writeFile(log, text);
  const source = await sourceReadTo(text.length);
  for (const [likeness, copy] of [
    ['part', text],
    ['part', text.slice(0, 3000)],
    ['part', header],
    ['apart', `${text}${line('more')}\n`],
    ['apart', header + linesOf('b', 0, 30).text],
    ['apart', text.slice(0, 3000) + linesOf('b', 0, 30).text],
  ] as const)
    expect(await likenessOf(await contentOf(copy), source)).toBe(likeness);
});

test('one that was written anew behind what was read of it, with the same header, is compared as it is now', async () => {
  const [first, second] = [header + linesOf('a', 0, 30).text, header + linesOf('b', 0, 30).text];
  await writeFile(log, first);
  const source = await sourceReadTo(700);
  expect(await likenessOf(await contentOf(first), source)).toBe('part');
  await writeFile(log, second);
  expect(await likenessOf(await contentOf(second), source)).toBe('part');
  expect(await likenessOf(await contentOf(first), source)).toBe('apart');
});

test('nothing is known of one that was written anew up to where it was read', async () => {
  const first = header + linesOf('a', 0, 30).text;
  await writeFile(log, first);
  const source = await sourceReadTo(first.length);
  await writeFile(log, header + linesOf('b', 0, 60).text);
  expect(await likenessOf(await contentOf(first), source)).toBe('unclear');
});
