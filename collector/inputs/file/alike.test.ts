import { appendFile, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../common/logger.ts';
import type { Logger } from '../../../common/logger.ts';
import { appendLines, inFoldersOfTheirOwn, keys, line, linesOf, until, untilStored } from './fixture.ts';
import type { Fixture, StartOptions } from './fixture.ts';

/** Files that begin alike, as logs with a header do: each is read, but not a copy of one that is. */

let fixture: Fixture;
let dir: string;
let monday: string;
let tuesday: string;

inFoldersOfTheirOwn((given) => {
  ({ fixture, dir } = given);
  monday = join(dir, 'monday.log');
  tuesday = join(dir, 'tuesday.log');
});

const stored = (ids: readonly string[]) => untilStored(fixture, ids);
const rows = (...ids: readonly string[]) => ids.map((id) => `${line(id)}\n`).join('');
/** All that identifies a log. */
const header = `${line('HEADER', 1100)}\n`;
const start = ({ config, ...options }: StartOptions = {}) =>
  fixture.start(dir, {
    ...options,
    config: { paths: [join(dir, '*.log'), join(dir, '*.gz')], last_line_after: '1h', ...config },
  });
/** An input and what it tells: [message, what it says of]. */
async function startTold(options: StartOptions = {}) {
  const told: [string, Record<string, unknown>][] = [];
  const note = (about: Record<string, unknown>, message: string) => told.push([message, about]);
  const logger = Object.assign(silentLogger(), { info: note, warn: note }) as Logger;
  const running = await start({ ...options, deps: { logger } });
  const untilTold = (start: string) =>
    until(() => expect(told).toContainEqual([expect.stringContaining(start), expect.anything()]));
  const behind = () => running.metric('tranweave_collector_behind_bytes');
  return { told, untilTold, behind };
}

describe('a file that begins as another one that is there', () => {
  test('and is shorter, a log or an archive, is read at once', async () => {
    const { text, ids } = linesOf('m', 0, 20);
    await writeFile(monday, header + text);
    await start();
    await stored(['HEADER', ...ids]);
    await writeFile(tuesday, header + rows('T1', 'T2'));
    await writeFile(join(dir, 'older.log.gz'), gzipSync(header + rows('G1', 'G2')));
    await stored([...ids, 'T1', 'T2', 'G1', 'G2', 'HEADER', 'HEADER', 'HEADER']);
  });

  test('and is shorter is read when that is an archive, or is drained under a name that does not match', async () => {
    const [packed, renamed] = [linesOf('p', 0, 20), linesOf('r', 0, 30)];
    await writeFile(join(dir, 'older.log.gz'), gzipSync(header + packed.text));
    await writeFile(monday, header + renamed.text);
    await start();
    const ids = [...packed.ids, ...renamed.ids, 'HEADER', 'HEADER'];
    await stored(ids);
    await rename(monday, join(dir, 'monday.log.1'));
    await writeFile(monday, header + rows('T1'));
    await stored([...ids, 'HEADER', 'T1']);
  });

  test('and holds all of it is read once that one rests, though it does not rest itself', async () => {
    await writeFile(monday, header);
    await start({ config: { last_line_after: '300ms' } });
    await stored(['HEADER']);
    await writeFile(tuesday, header);
    const ids: string[] = [];
    await until(async () => {
      ids.push(...(await appendLines(tuesday, 't', ids.length, ids.length + 1)));
      return (await fixture.ids()).length > 1;
    });
    await stored(['HEADER', 'HEADER', ...ids]);
  });

  test('is read, an archive beside a log of a header alone, once the log goes on', async () => {
    await writeFile(monday, rows('H'));
    await writeFile(join(dir, 'past.log.gz'), gzipSync(rows('H', 'P1', 'P2')));
    const { behind } = await startTold();
    await until(async () => expect(await fixture.ids()).toEqual(['H']));
    // What may have to be read is not said to be.
    expect(await behind()).toBeGreaterThan(0);
    await appendFile(monday, rows('T1'));
    await stored(['H', 'T1', 'H', 'P1', 'P2']);
  });

  test('is read, an archive beside a log of a header alone, once the log rests', async () => {
    await writeFile(monday, rows('H'));
    await writeFile(join(dir, 'past.log.gz'), gzipSync(rows('H', 'P1', 'P2')));
    await start({ config: { last_line_after: '100ms' } });
    await stored(['H', 'H', 'P1', 'P2']);
  });

  test('is read on from where it was left when it was packed, not from the end of a header that others had alone', async () => {
    // So many that one of them is looked at first.
    const empty = Array.from({ length: 12 }, (_, i) => join(dir, `empty${i}.log`));
    for (const path of empty) await writeFile(path, rows('H'));
    const headers = empty.map(() => 'H');
    const first = await start();
    await stored(headers);
    await writeFile(tuesday, rows('H', 'T1', 'T2'));
    await stored([...headers, 'H', 'T1', 'T2']);
    await first.input.stop();
    await writeFile(join(dir, 'tuesday.log.gz'), gzipSync(await readFile(tuesday)));
    for (const path of [...empty, tuesday]) await rm(path);
    const { behind } = await startTold();
    await until(async () =>
      expect(String(await fixture.redis.hvals(keys.sources('in')))).toContain('tuesday.log.gz'),
    );
    const ids = [...headers, 'H', 'T1', 'T2', ...(await appendLines(join(dir, 'b.log'), 'b', 0, 3))];
    await stored(ids);
    await until(async () => expect(await behind()).toBe(0));
    await stored(ids);
  });
});

describe('a copy', () => {
  const text = linesOf('a', 0, 60).text;
  const { ids } = linesOf('a', 0, 60);
  // In the middle of a line.
  const half = text.slice(0, 3700);

  test('that is met at the same moment as its log is read once', async () => {
    for (const path of [monday, tuesday]) await writeFile(path, text);
    fixture.server.pause();
    const { behind } = await startTold();
    // Both wait for Redis, to find out what they are.
    await delay(300);
    fixture.server.resume();
    await stored(ids);
    await until(async () => expect(await behind()).toBe(0));
    await stored(ids);
  });

  test('that is half written is not read, however long it rests, and goes on where its log was truncated', async () => {
    await writeFile(monday, text);
    const { untilTold, told, behind } = await startTold({ config: { last_line_after: '50ms' } });
    await stored(ids);
    await writeFile(tuesday, half);
    await untilTold('file is not read: all');
    expect(told.find(([message]) => message.startsWith('file is not read'))?.[1]).toMatchObject({
      path: tuesday,
      other: monday,
    });
    expect(await behind()).toBe(0);
    await stored(ids);
    await writeFile(tuesday, text);
    await truncate(monday);
    await appendLines(monday, 'b', 0, 30);
    await stored([...ids, ...linesOf('b', 0, 30).ids]);
    await until(async () => expect(await behind()).toBe(0));
    await appendLines(tuesday, 'c', 0, 3);
    await stored([...ids, ...linesOf('b', 0, 30).ids, ...linesOf('c', 0, 3).ids]);
  });

  test('that is half written when it is met, before what it is made of, is the one that is read', async () => {
    await writeFile(monday, half);
    const { behind } = await startTold();
    await until(async () => expect((await fixture.ids()).length).toBeGreaterThan(30));
    await writeFile(tuesday, text);
    await until(async () => expect(await behind()).toBeGreaterThan(text.length));
    await appendFile(monday, text.slice(half.length));
    await stored(ids);
    await until(async () => expect(await behind()).toBe(0));
    await stored(ids);
  });

  test('or not, when the other file cannot be looked into, is told, and is read once it is known', async () => {
    await writeFile(monday, text);
    let isRefused = false;
    const { untilTold, told } = await startTold({
      config: { last_line_after: '50ms', files_open_max: 1 },
      open: async (path) => {
        if (path === monday && isRefused)
          throw Object.assign(new Error('EACCES'), { code: 'EACCES', syscall: 'open' });
        return open(path, 'r');
      },
    });
    await stored(ids);
    isRefused = true;
    await writeFile(tuesday, text + rows('T1'));
    await untilTold('file is not read yet');
    expect(
      told.filter(([message]) => message.startsWith('file is not read')).map(([, about]) => about),
    ).toMatchObject([{ path: tuesday, other: monday }]);
    await stored(ids);
    isRefused = false;
    await stored([...ids, ...ids, 'T1']);
  });
});
