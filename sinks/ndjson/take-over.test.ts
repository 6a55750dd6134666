import { execFileSync } from 'node:child_process';
import {
  appendFile,
  cp,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FencedError } from '../../common/errors.ts';
import { codeOf } from './failure.ts';
import { openSegment } from './segment.ts';
import { takeOver } from './take-over.ts';

/** What a process that was killed at any step leaves behind, made by hand. */

let lane: string;
beforeEach(async () => {
  lane = join(await mkdtemp(join(tmpdir(), 'tranweave-lane-')), 'log-0');
  await mkdir(lane);
});
afterEach(() => rm(join(lane, '..'), { recursive: true, force: true }));

const FIRST = 'first\n';
const SECOND = 'second\n';
const EMPTY = { token: undefined, end: 0, hour: '2026-01-31T09', gzip: false };

/** A folder with two batches in it. */
async function twoBatches(name: string): Promise<string> {
  const folder = join(lane, name);
  await mkdir(folder);
  const segment = await openSegment(folder, EMPTY);
  await segment.append('t1', Buffer.from(FIRST));
  await segment.append('t2', Buffer.from(SECOND));
  await segment.close();
  return folder;
}

const dataIn = (folder: string) => readFile(join(folder, 'data.ndjson'), 'utf8');
const BOTH = { token: 't2', end: FIRST.length + SECOND.length, hour: EMPTY.hour, gzip: false };

describe('an owner that was killed', () => {
  test('between its batches: all of it is there', async () => {
    await twoBatches('17');
    const taken = await takeOver(lane, 18);
    expect(taken).toEqual({ folder: join(lane, '18'), state: BOTH, leftBehind: [] });
    expect(await dataIn(taken.folder)).toBe(FIRST + SECOND);
    expect(await readdir(lane)).toEqual(['18']);
  });

  test('before it wrote anything, or before anybody did: there is nothing', async () => {
    expect((await takeOver(lane, 17)).state).toBeUndefined();
    expect((await takeOver(lane, 18)).state).toBeUndefined();
    expect(await readdir(lane)).toEqual(['18']);
  });

  test.each([
    ['in the middle of the data', async (folder: string) => appendFile(join(folder, 'data.ndjson'), 'torn')],
    [
      'in the middle of the journal',
      async (folder: string) => {
        await appendFile(join(folder, 'data.ndjson'), 'third\n');
        await appendFile(join(folder, 'journal'), '{"token":"t3","end":1');
      },
    ],
    [
      'by a loss of power, which left zeros',
      async (folder: string) => {
        await appendFile(join(folder, 'data.ndjson'), '\0\0\0');
        await appendFile(join(folder, 'journal'), '\0\0\0\0\n');
      },
    ],
  ])('%s: what is whole is there, and the next batch comes behind it', async (_when, tear) => {
    await tear(await twoBatches('17'));
    const { folder, state } = await takeOver(lane, 18);
    expect(state).toEqual(BOTH);
    const segment = await openSegment(folder, state!);
    await segment.append('t3', Buffer.from('third\n'));
    await segment.close();
    expect(await dataIn(folder)).toBe(`${FIRST}${SECOND}third\n`);
    expect((await takeOver(lane, 19)).state).toEqual({ ...BOTH, token: 't3', end: BOTH.end + 6 });
  });

  test('while it was cutting off a batch that it could not write: the one before is the last', async () => {
    const folder = await twoBatches('17');
    await truncate(join(folder, 'data.ndjson'), FIRST.length + 2);
    const { state } = await takeOver(lane, 18);
    expect(state).toEqual({ ...BOTH, token: 't1', end: FIRST.length });
    expect(await dataIn(join(lane, '18'))).toBe(FIRST);
  });

  test('after it handed its data over: which batch came last is still known', async () => {
    await rm(join(await twoBatches('17'), 'data.ndjson'));
    expect((await takeOver(lane, 18)).state).toEqual({ ...BOTH, end: 0 });
    expect((await takeOver(lane, 19)).state).toEqual({ ...BOTH, end: 0 });
  });
});

describe('one that was killed while it took over', () => {
  test('before it copied', async () => {
    await twoBatches('18.from');
    expect((await takeOver(lane, 19)).state).toEqual(BOTH);
    expect(await readdir(lane)).toEqual(['19']);
  });

  test('while it copied', async () => {
    await twoBatches('18.from');
    await mkdir(join(lane, '18.new'));
    await writeFile(join(lane, '18.new', 'data.ndjson'), 'fir');
    const { folder, state } = await takeOver(lane, 19);
    expect([state, await dataIn(folder)]).toEqual([BOTH, FIRST + SECOND]);
    expect(await readdir(lane)).toEqual(['19']);
  });

  test('after it copied, and wrote more', async () => {
    await cp(await twoBatches('18'), join(lane, '18.from'), { recursive: true });
    await truncate(join(lane, '18.from', 'data.ndjson'), FIRST.length);
    const { folder, state } = await takeOver(lane, 19);
    expect([state, await dataIn(folder)]).toEqual([BOTH, FIRST + SECOND]);
    expect(await readdir(lane)).toEqual(['19']);
  });

  test('and failed only, tries again', async () => {
    await twoBatches('18.from');
    await mkdir(join(lane, '18.new'));
    expect((await takeOver(lane, 18)).state).toEqual(BOTH);
    expect((await takeOver(lane, 18)).state).toEqual(BOTH);
    expect(await readdir(lane)).toEqual(['18']);
  });
});

describe('one that wakes up late', () => {
  test('is refused by a newer fence, whatever the newer one has got to', async () => {
    for (const name of ['19', '19.from']) {
      const folder = await twoBatches(name);
      await expect(takeOver(lane, 18)).rejects.toThrow(FencedError);
      await rm(folder, { recursive: true });
    }
  });

  test('writes into a file that is not read any more', async () => {
    const segment = await openSegment(await twoBatches('17'), BOTH);
    const { folder } = await takeOver(lane, 18);
    await expect(segment.append('late', Buffer.from('late\n'))).rejects.toMatchObject({ code: 'ENOENT' });
    await segment.close();
    expect(await dataIn(folder)).toBe(FIRST + SECOND);
  });

  test('in the middle of taking over, when another has taken that from it, notices', async () => {
    await twoBatches('18.from');
    // Reading it waits for a writer: there the process sleeps.
    await rm(join(lane, '18.from', 'journal'));
    execFileSync('mkfifo', [join(lane, '18.from', 'journal')]);
    const taking = takeOver(lane, 18).catch((error: unknown) => error);
    const pipe = await open(join(lane, '18.from', 'journal'), 'w');
    await rename(join(lane, '18.from'), join(lane, '19'));
    await rm(join(lane, '19', 'journal'));
    await pipe.write(`${JSON.stringify(BOTH)}\n`);
    await pipe.close();
    expect(await taking).toBeInstanceOf(FencedError);
    expect(await readdir(lane)).toEqual(['19']);
  });

  test('and made a folder of its own leaves it to be looked at', async () => {
    await twoBatches('18');
    await twoBatches('17');
    const { state, leftBehind } = await takeOver(lane, 19);
    expect([state, leftBehind]).toEqual([BOTH, [join(lane, 'left-behind-17')]]);
    expect((await readdir(lane)).sort()).toEqual(['19', 'left-behind-17']);
    expect((await takeOver(lane, 20)).leftBehind).toEqual([]);
  });
});

test('of several that take over at once, the greatest fence has it in the end, whole', async () => {
  await twoBatches('1');
  const results = await Promise.allSettled([3, 5, 2, 4].map((fence) => takeOver(lane, fence)));
  const isRefusal = (reason: unknown) => reason instanceof FencedError || codeOf(reason) === 'ENOENT';
  for (const result of results) expect(result.status === 'fulfilled' || isRefusal(result.reason)).toBe(true);
  const { folder, state } = await takeOver(lane, 6);
  expect([state, await dataIn(folder)]).toEqual([BOTH, FIRST + SECOND]);
});
