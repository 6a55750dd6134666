import { appendFile, open, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { fileInput } from '../file.ts';
import { appendLines, inFoldersOfTheirOwn, keys, line, linesOf, until, untilStored } from './fixture.ts';
import type { Fixture } from './fixture.ts';

/** Which records of a file that was never seen before are read. */

let fixture: Fixture;
let dir: string;
let log: string;

inFoldersOfTheirOwn((given) => {
  ({ fixture, dir, log } = given);
});

const stored = (ids: readonly string[]) => untilStored(fixture, ids);
const isKnown = (files: number) =>
  until(async () => expect(await fixture.redis.hkeys(keys.sources('in'))).toHaveLength(files));
/** Since 1970, in seconds. */
const setTime = (path: string, seconds: number) => utimes(path, seconds, seconds);

describe('a file that was there before the input started', () => {
  test('B21, D46: is read from its start, or from its end if so configured: only what is new comes, whole lines', async () => {
    const half = line('half');
    await appendLines(log, 'old', 0, 30);
    await appendFile(log, half.slice(0, 20));
    const tail = { config: { start: 'tail', last_line_after: '1h' } };
    const { input } = await fixture.start(dir, tail);
    // The source, and when the input was first started.
    await isKnown(2);
    await appendFile(log, `${half.slice(20)}\n`);
    const ids = ['half', ...(await appendLines(log, 'a', 0, 5))];
    await stored(ids);
    await input.stop();
    // What came in between is new, in files that are known and in others.
    ids.push(...(await appendLines(log, 'a', 5, 10)), ...(await appendLines(join(dir, 'b.log'), 'b', 0, 5)));
    await fixture.start(dir, tail);
    await stored(ids);
    await fixture.start(dir, { deps: { name: 'other' } });
    await stored([...linesOf('old', 0, 30).ids, ...ids, ...ids]);
  });

  test('B20: does not decide about one that comes later, which is read from its start', async () => {
    await appendLines(log, 'old', 0, 3);
    await fixture.start(dir, { config: { start: 'tail' } });
    await isKnown(2);
    await stored(await appendLines(join(dir, 'b.log'), 'b', 0, 5));
  });

  test('and was not written to since a time is passed over; its header is known all the same', async () => {
    await appendLines(log, 'old', 0, 30);
    await setTime(log, 1_000_000);
    const other = await appendLines(join(dir, 'b.log'), 'b', 0, 5);
    const packed = join(dir, 'c.log.gz');
    await writeFile(packed, gzipSync(linesOf('c', 0, 30).text));
    await setTime(packed, 1_000_000);
    await fixture.start(dir, {
      config: { start: '2001-01-01T00:00:00+09:00', paths: [join(dir, '*.log'), join(dir, '*.gz')] },
    });
    await stored(other);
    await isKnown(2);
    await stored([...other, ...(await appendLines(log, 'a', 0, 5))]);
  });

  test('B22: and is older than ignore_older gives only what is written to it later', async () => {
    await appendLines(log, 'old', 0, 30);
    await setTime(log, 1_000_000);
    const other = await appendLines(join(dir, 'b.log'), 'b', 0, 5);
    const { input } = await fixture.start(dir, { config: { ignore_older: '1h' } });
    await stored(other);
    await isKnown(2);
    await input.stop();
    const ids = [...other, ...(await appendLines(log, 'a', 0, 5))];
    await fixture.start(dir, { config: { ignore_older: '1h' } });
    await stored(ids);
  });

  test('is passed over to where its last record ends, whatever frames them', async () => {
    await writeFile(log, `${line('a')}\n`.repeat(3000));
    const framing = { type: 'fixed-length', bytes: line('a').length, line_end: 'newline' };
    await fixture.start(dir, { config: { start: 'tail', framing } });
    await isKnown(2);
    await appendFile(log, `${line('b')}\n`);
    await stored(['b']);
    expect(await fixture.deadLetters()).toEqual([]);
  });
});

describe('C30: a file that was truncated under a program that goes on at its old place', () => {
  test('gives what is written behind the hole, without NULs, and nothing twice', async () => {
    const old = linesOf('old', 0, 30);
    const writer = await open(log, 'w');
    await writer.write(old.text, 0);
    const { input } = await fixture.start(dir);
    await stored(old.ids);
    await truncate(log);
    const more = linesOf('new', 0, 5);
    await writer.write(more.text, old.text.length);
    await stored([...old.ids, ...more.ids]);
    await input.stop();
    await fixture.start(dir);
    const last = linesOf('new', 5, 9);
    await writer.write(last.text, old.text.length + more.text.length);
    await stored([...old.ids, ...more.ids, ...last.ids]);
    expect(await fixture.deadLetters()).toEqual([]);
    await writer.close();
  });
});

test('start is head, tail or a time with its offset', () => {
  const check = (start: string) =>
    v.safeParse(fileInput.config, { type: 'file', name: 'in', paths: ['*.log'], start });
  expect(check('2026-01-31T09:00:00+09:00').output).toMatchObject({ start: Date.UTC(2026, 0, 31) });
  expect(check('tail').success).toBe(true);
  for (const bad of ['end', '2026-01-31', '2026-01-31T09:00:00']) {
    expect(check(bad).issues?.[0]?.message).toContain('must be head, tail or a time with its offset');
  }
});
