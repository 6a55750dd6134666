import { appendFile, open, rename, rm, stat, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  appendLines,
  inFoldersOfTheirOwn,
  hastyClock,
  keys,
  line,
  linesOf,
  PARTITIONS,
  until,
  untilStored,
} from './fixture.ts';
import type { Fixture, Running } from './fixture.ts';

let fixture: Fixture;
let dir: string;
let log: string;

inFoldersOfTheirOwn((given) => {
  ({ fixture, dir, log } = given);
});

const stored = (ids: readonly string[]) => untilStored(fixture, ids);
const sources = () => fixture.redis.hkeys(keys.sources('in'));
/** Everything that is there has been read, and nothing is being done. */
const settled = async (running: Running) =>
  until(async () => expect(await running.metric('tranweave_collector_behind_bytes')).toBe(0));

describe('a file that is renamed', () => {
  test('is drained under a name that does not match, beside the new file of its old name', async () => {
    const writer = await open(log, 'a');
    const ids = await appendLines(log, 'a', 0, 5);
    await fixture.start(dir);
    await stored(ids);
    await rename(log, join(dir, 'a.log.1'));
    await writer.write(linesOf('late', 0, 3).text);
    ids.push(...linesOf('late', 0, 3).ids, ...(await appendLines(log, 'new', 0, 3)));
    await stored(ids);
    await writer.write(linesOf('later', 0, 3).text);
    await writer.close();
    await stored([...ids, ...linesOf('later', 0, 3).ids]);
    expect(await sources()).toHaveLength(2);
  });

  test('several times in a row loses no line', async () => {
    const ids: string[] = [];
    await fixture.start(dir);
    for (let i = 0; i < 5; i += 1) {
      ids.push(...(await appendLines(log, `r${i}-`, 0, 20)));
      await until(async () => expect(await sources()).toHaveLength(i + 1));
      await rename(log, join(dir, `a.log.${i}`));
      ids.push(...(await appendLines(join(dir, `a.log.${i}`), `l${i}-`, 0, 5)));
    }
    await stored(ids);
  });

  test('is closed once nothing came for close_after, and its last line is not lost', async () => {
    const ids = await appendLines(log, 'a', 0, 5);
    const running = await fixture.start(dir, {
      config: { close_after: '200ms', last_line_after: '50ms' },
    });
    await stored(ids);
    await appendFile(log, line('last'));
    await rename(log, join(dir, 'a.log.1'));
    await stored([...ids, 'last']);
    const source = (await sources())[0] ?? '';
    await until(() => running.metric('tranweave_collector_behind_bytes').then((bytes) => bytes === 0));
    await hastyWait(400);
    await appendLines(join(dir, 'a.log.1'), 'lost', 0, 1);
    await hastyWait(100);
    await stored([...ids, 'last']);
    // Back at a matching name it goes on from where it was.
    await rename(join(dir, 'a.log.1'), log);
    await stored([...ids, 'last', 'lost0000']);
    expect(await sources()).toEqual([source]);
  });

  test('to another matching name is not read again, while it is followed or after a restart', async () => {
    const ids = await appendLines(log, 'a', 0, 5);
    const running = await fixture.start(dir);
    await stored(ids);
    await rename(log, join(dir, 'b.log'));
    ids.push(...(await appendLines(join(dir, 'b.log'), 'b', 0, 5)));
    await stored(ids);
    await running.input.stop();
    await rename(join(dir, 'b.log'), join(dir, 'c.log'));
    ids.push(...(await appendLines(join(dir, 'c.log'), 'c', 0, 5)));
    await fixture.start(dir);
    await stored(ids);
    expect(await sources()).toHaveLength(1);
  });

  test('is read to its end after it was deleted', async () => {
    const writer = await open(log, 'a');
    await writer.write(linesOf('a', 0, 5).text);
    await fixture.start(dir);
    await stored(linesOf('a', 0, 5).ids);
    await unlink(log);
    await writer.write(linesOf('b', 0, 5).text);
    await stored([...linesOf('a', 0, 5).ids, ...linesOf('b', 0, 5).ids]);
    await writer.close();
  });

  test('keeps its place among the open files until it is closed, then another one gets it', async () => {
    const ids = await appendLines(log, 'a', 0, 5);
    await fixture.start(dir, { config: { files_open_max: 1, close_after: '300ms' } });
    await stored(ids);
    await rename(log, join(dir, 'a.log.1'));
    await hastyWait(50);
    const more = await appendLines(log, 'b', 0, 5);
    ids.push(...(await appendLines(join(dir, 'a.log.1'), 'late', 0, 5)));
    await stored(ids);
    await stored([...ids, ...more]);
  });

  test('may be a link that is pointed elsewhere: both targets are read', async () => {
    const ids = await appendLines(join(dir, 'one'), 'one', 0, 5);
    await symlink(join(dir, 'one'), log);
    await fixture.start(dir);
    await stored(ids);
    await rm(log);
    ids.push(...(await appendLines(join(dir, 'two'), 'two', 0, 5)));
    await symlink(join(dir, 'two'), log);
    ids.push(...(await appendLines(join(dir, 'one'), 'more', 0, 5)));
    await stored(ids);
  });
});

const hastyWait = async (ms: number) => {
  const end = hastyClock.now() + ms;
  await until(() => hastyClock.now() >= end);
};

describe('a file that is truncated and written anew', () => {
  // The old content is `old0000` to `old0029`, three kilobytes.
  const cases = {
    shorter: linesOf('new', 0, 3).text,
    'of the same length': linesOf('new', 0, 30).text,
    longer: linesOf('new', 0, 60).text,
    'with the same first line, shorter': linesOf('old', 0, 1).text + linesOf('new', 0, 3).text,
    'with the same first line, longer': linesOf('old', 0, 1).text + linesOf('new', 0, 60).text,
    'with the same first kilobytes, longer': linesOf('old', 0, 20).text + linesOf('new', 0, 60).text,
  };
  for (const [how, text] of Object.entries(cases)) {
    test(`${how} is read from its start as another source`, async () => {
      const old = await appendLines(log, 'old', 0, 30);
      const running = await fixture.start(dir);
      await stored(old);
      await settled(running);
      await writeFile(log, text);
      const ids = text
        .trimEnd()
        .split('\n')
        .map((row) => (JSON.parse(row) as { transaction_id: string }).transaction_id);
      await stored([...old, ...ids]);
      expect(await sources()).toHaveLength(2);
      expect(new Set((await fixture.logs()).map((log) => log.event_id)).size).toBe(old.length + ids.length);
      // It is that other source for good.
      await running.input.stop();
      await fixture.start(dir);
      await stored([...old, ...ids, ...(await appendLines(log, 'more', 0, 3))]);
      expect(await sources()).toHaveLength(2);
    });
  }

  test('by a program that had it open is noticed while it is empty, too', async () => {
    const old = await appendLines(log, 'old', 0, 10);
    const running = await fixture.start(dir);
    await stored(old);
    await truncate(log, 0);
    await settled(running);
    await stored([...old, ...(await appendLines(log, 'old', 0, 2))]);
  });

  test('while nobody read it is noticed at the start', async () => {
    const old = await appendLines(log, 'old', 0, 30);
    const { input } = await fixture.start(dir);
    await stored(old);
    await input.stop();
    // Long enough to begin as the old content did, in all that identifies it.
    await writeFile(log, linesOf('old', 0, 20).text);
    await fixture.start(dir);
    await stored([...old, ...linesOf('old', 0, 20).ids]);
    expect((await sources()).filter((id) => id.endsWith('-1'))).toHaveLength(1);
  });

  test('when it held little at first is still told from a file that goes on', async () => {
    await writeFile(log, `${line('head')}\n`);
    const first = await fixture.start(dir);
    await stored(['head']);
    const ids = ['head', ...(await appendLines(log, 'a', 0, 20))];
    await stored(ids);
    await settled(first);
    await first.input.stop();
    // The same first line, and longer than what was read.
    const text = `${line('head')}\n${linesOf('b', 0, 40).text}`;
    await writeFile(log, text);
    await fixture.start(dir);
    await stored([...ids, 'head', ...linesOf('b', 0, 40).ids]);
  });

  test('in place of a deleted one, maybe with its inode, is another source', async () => {
    const ids = await appendLines(log, 'a', 0, 30);
    const { input } = await fixture.start(dir);
    await stored(ids);
    await input.stop();
    const { ino } = await stat(log);
    // Most file systems give the number away again at once; the record is set to it where they do not.
    await rm(log);
    ids.push(...(await appendLines(log, 'b', 0, 60)));
    await pretendInode(ino, (await stat(log)).ino);
    await fixture.start(dir);
    await stored(ids);
  });
});

/** What is remembered of the file with one inode is said of another. */
async function pretendInode(from: number, to: number): Promise<void> {
  for (const [id, text] of Object.entries(await fixture.redis.hgetall(keys.sources('in')))) {
    const record = JSON.parse(text) as { ino: string };
    if (record.ino !== String(from)) continue;
    await fixture.redis.hset(keys.sources('in'), id, JSON.stringify({ ...record, ino: String(to) }));
  }
}

describe('what is remembered of files that are gone', () => {
  test('is forgotten after forget_after, positions and all, but not while the number of partitions is being changed', async () => {
    const ids = await appendLines(log, 'a', 0, 30);
    const first = await fixture.start(dir);
    await stored(ids);
    await first.input.stop();
    await rm(log);
    const { redis } = fixture;
    const [source = ''] = await redis.hkeys(keys.sources('in'));
    await redis.hset(keys.formerPositions(), source, '{"9:0":"100000"}');
    await redis.hset(keys.meta(), { changing_from: PARTITIONS, changing_to: 9, changing_step: 'move' });
    await fixture.start(dir, { config: { forget_after: '50ms' } });
    await hastyWait(200);
    expect(await sources()).toHaveLength(1);
    await redis.hdel(keys.meta(), 'changing_step');
    await until(async () => expect(await sources()).toEqual([]));
    expect(await redis.hlen(keys.formerPositions())).toBe(0);
    expect(await fixture.redis.hlen(keys.lowWater('in'))).toBe(0);
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      expect(await fixture.redis.hlen(keys.positions(partition))).toBe(0);
    }
    await appendLines(log, 'a', 0, 30);
    await stored([...ids, ...ids]);
  });

  test('is kept while the file is there, and of other machines', async () => {
    const ids = await appendLines(log, 'a', 0, 30);
    await fixture.start(dir, { deps: { node: 'other' } });
    await stored(ids);
    await fixture.clean();
    dir = await fixture.tempDir();
    log = join(dir, 'a.log');
    await fixture.redis.hset(keys.sources('in'), 'in/other/1-1-abc', '{}', 'in/n1/1-1-abc', 'not json');
    await appendLines(log, 'a', 0, 30);
    await fixture.start(dir, { config: { forget_after: '20ms' } });
    await stored(ids);
    await hastyWait(200);
    expect(await sources()).toHaveLength(3);
  });
});
