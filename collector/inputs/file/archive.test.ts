import {
  appendFile,
  copyFile,
  open,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ArchiveContent } from './archive.ts';
import { appendLines, inFoldersOfTheirOwn, keys, line, linesOf, until, untilStored } from './fixture.ts';
import type { Fixture, Running, StartOptions } from './fixture.ts';

/** Logs that rotation has packed, and copies that it makes before it truncates. */

let fixture: Fixture;
let dir: string;
let log: string;
let archive: string;

inFoldersOfTheirOwn((given) => {
  ({ fixture, dir, log } = given);
  archive = join(dir, 'a.log.1.gz');
});

const stored = (ids: readonly string[]) => untilStored(fixture, ids);
const sources = () => fixture.redis.hkeys(keys.sources('in'));
const settled = async (running: Running) =>
  until(async () => expect(await running.metric('tranweave_collector_behind_bytes')).toBe(0));
const start = (options: StartOptions = {}) =>
  fixture.start(dir, {
    ...options,
    config: { paths: [join(dir, '*.log'), join(dir, '*.gz')], last_line_after: '200ms', ...options.config },
  });
/** A log of which a collector that has stopped read fifty lines, of eighty. */
async function readAndLeft(): Promise<string[]> {
  const ids = await appendLines(log, 'a', 0, 50);
  const { input } = await start();
  await stored(ids);
  await input.stop();
  return [...ids, ...(await appendLines(log, 'a', 50, 80))];
}
/** As gzip does: the archive is written beside the file, and then the file goes. */
async function pack(from: string, to: string): Promise<void> {
  await writeFile(to, gzipSync(await readFile(from)));
  await rm(from);
}

describe('an archive', () => {
  test('A13: is read once, to its end, with all of its members', async () => {
    const parts = [linesOf('a', 0, 40), linesOf('a', 40, 80), linesOf('a', 80, 90)];
    await writeFile(archive, Buffer.concat(parts.map(({ text }) => gzipSync(text))));
    const running = await start({ config: { batch_bytes_max: '700B' } });
    const ids = parts.flatMap((part) => part.ids);
    await stored(ids);
    await settled(running);
    expect(await fixture.redis.hvals(keys.lowWater('in'))).toEqual([
      String(parts.map(({ text }) => text).join('').length),
    ]);
    await running.input.stop();
    const again = await start();
    ids.push(...(await appendLines(log, 'b', 0, 3)));
    await stored(ids);
    expect(await again.metric('tranweave_collector_logs_total')).toBe(3);
  });

  test('A13: is read on from where it was left, in the middle of it', async () => {
    const { text, ids } = linesOf('a', 0, 3000);
    await writeFile(archive, gzipSync(text));
    const first = await start({ config: { batch_bytes_max: '2KiB' } });
    await until(async () => expect((await fixture.ids()).length).toBeGreaterThan(50));
    first.force.abort();
    await first.input.stop();
    expect((await fixture.ids()).length).toBeLessThan(3000);
    await start({ config: { batch_bytes_max: '10KiB' } });
    await stored(ids);
  });

  test('that is still being written is read as far as it goes, and on when it has grown', async () => {
    const { text, ids } = linesOf('a', 0, 3000);
    const packed = gzipSync(text);
    await writeFile(archive, packed.subarray(0, 20));
    const running = await start({ config: { last_line_after: '1h' } });
    for (const part of [0.3, 0.6, 0.9]) {
      await writeFile(archive, packed.subarray(0, packed.length * part));
      await until(async () => expect((await fixture.ids()).length).toBeGreaterThan(ids.length * part * 0.5));
    }
    await writeFile(archive, packed);
    await stored(ids);
    expect(running.failures).toEqual([]);
    expect(await fixture.deadLetters()).toEqual([]);
  });

  test('that is broken gives what can be unpacked, and does not stop the input', async () => {
    const { text, ids } = linesOf('a', 0, 3000);
    const packed = gzipSync(text);
    packed.fill(0xff, packed.length >> 1);
    await writeFile(archive, packed);
    await writeFile(join(dir, 'no.gz'), text);
    const running = await start({ config: { last_line_after: '1h' } });
    await until(async () => expect((await fixture.ids()).length).toBeGreaterThan(100));
    await settledFor(await appendLines(log, 'b', 0, 3));
    const found = (await fixture.ids()).filter((id) => id.startsWith('a'));
    expect(found).toEqual(ids.slice(0, found.length));
    expect(running.failures).toEqual([]);
  });

  test('that would unpack to a thousand times its size is unpacked a piece at a time', async () => {
    const huge = join(dir, 'huge.gz');
    await writeFile(huge, gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x61)));
    const content = new ArchiveContent(await open(huge));
    await content.look();
    const before = process.memoryUsage().arrayBuffers;
    expect((await content.read(Buffer.alloc(10), 1_000_000, 10)).toString()).toBe('a'.repeat(10));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
    await content.close();
  });

  const settledFor = async (ids: readonly string[]) =>
    until(async () => expect(await fixture.ids()).toEqual(expect.arrayContaining([...ids])));
});

describe('a log that is packed', () => {
  test('after it was collected is not read again, and the archive may be renamed', async () => {
    const ids = await appendLines(log, 'a', 0, 50);
    const running = await start({ config: { close_after: '50ms' } });
    await stored(ids);
    await pack(log, archive);
    ids.push(...(await appendLines(log, 'b', 0, 50)));
    await stored(ids);
    await until(async () => expect(await archiveRecord()).toBe(true));
    await rename(archive, join(dir, 'a.log.2.gz'));
    await pack(log, archive);
    ids.push(...(await appendLines(log, 'c', 0, 50)));
    await stored(ids);
    await settled(running);
    expect(await sources()).toHaveLength(3);
    await running.input.stop();
    await start();
    ids.push(...(await appendLines(log, 'c', 50, 60)));
    await stored(ids);
    expect(await sources()).toHaveLength(3);
  });

  test('while nobody read it is read on from where it was left', async () => {
    const ids = await readAndLeft();
    await pack(log, archive);
    ids.push(...(await appendLines(log, 'b', 0, 50)));
    await start();
    await stored(ids);
    expect(await sources()).toHaveLength(2);
  });

  test('while nobody read it is read on though its inode is an empty file’s now', async () => {
    const ids = await readAndLeft();
    // As a copy that is then truncated, so that the inode is sure to be the same.
    await writeFile(archive, gzipSync(await readFile(log)));
    await truncate(log);
    await start();
    await stored(ids);
    expect(await sources()).toHaveLength(1);
  });

  test('and kept beside its archive is read once', async () => {
    const ids = await appendLines(log, 'a', 0, 50);
    await writeFile(archive, gzipSync(await readFile(log)));
    const running = await start();
    await stored(ids);
    ids.push(...(await appendLines(log, 'a', 50, 60)));
    await stored(ids);
    await settled(running);
    await stored(ids);
  });

  test('and kept beside its archive is read once, though both wait for Redis at the same moment', async () => {
    const ids = await appendLines(log, 'a', 0, 50);
    await writeFile(archive, gzipSync(await readFile(log)));
    fixture.server.pause();
    const running = await start();
    await delay(300);
    fixture.server.resume();
    await stored(ids);
    await settled(running);
    await stored(ids);
  });

  test('is told from another one that begins alike', async () => {
    const banner = linesOf('banner', 0, 20);
    const ids = [...banner.ids, ...banner.ids];
    await writeFile(log, banner.text);
    ids.push(...(await appendLines(log, 'a', 0, 50)));
    const { input } = await start();
    await until(async () => expect((await fixture.ids()).length).toBe(70));
    await input.stop();
    await rm(log);
    const other = linesOf('b', 0, 60);
    await writeFile(archive, gzipSync(banner.text + other.text));
    await start();
    await stored([...ids, ...other.ids]);
  });

  /** Whether the archive is known as a source. */
  async function archiveRecord(): Promise<boolean> {
    const { ino } = await stat(archive);
    const records = Object.values(await fixture.redis.hgetall(keys.sources('in')));
    return records.some((text) => (JSON.parse(text) as { ino: string }).ino === String(ino));
  }
});

describe('C34: a copy that is made before a log is truncated', () => {
  const copy = () => join(dir, 'a-1.log');

  test('is read on from where the log was left, and the log from its start', async () => {
    const ids = await readAndLeft();
    await copyFile(log, copy());
    await truncate(log);
    ids.push(...(await appendLines(log, 'b', 0, 10)));
    await start();
    await stored(ids);
  });

  test('is read on from where the log was left while that is still empty', async () => {
    const ids = await readAndLeft();
    await copyFile(log, copy());
    await truncate(log);
    const running = await start();
    await stored(ids);
    ids.push(...(await appendLines(log, 'b', 0, 10)));
    await stored(ids);
    await settled(running);
    expect(await sources()).toHaveLength(2);
  });

  test('is not read while the log itself is', async () => {
    const ids = await appendLines(log, 'a', 0, 50);
    const running = await start();
    await stored(ids);
    await copyFile(log, copy());
    await settled(running);
    await truncate(log);
    ids.push(...(await appendLines(log, 'b', 0, 50)));
    await stored(ids);
    await copyFile(log, join(dir, 'a-2.log'));
    await settled(running);
    await truncate(log);
    ids.push(...(await appendLines(log, 'c', 0, 10)));
    await stored(ids);
    await settled(running);
    await stored(ids);
  });

  test('is read as a file of its own once the two go apart', async () => {
    const ids = await appendLines(log, 'a', 0, 50);
    await start();
    await stored(ids);
    await copyFile(log, copy());
    ids.push(...(await appendLines(log, 'a', 50, 60)));
    await stored(ids);
    await appendFile(copy(), `${line('other', 2000)}\n`);
    await stored([...ids, ...linesOf('a', 0, 50).ids, 'other']);
  });

  test('and then packed is read once', async () => {
    const ids = await appendLines(log, 'a', 0, 50);
    const running = await start();
    await stored(ids);
    await copyFile(log, join(dir, 'a.log.1'));
    await truncate(log);
    ids.push(...(await appendLines(log, 'b', 0, 50)));
    await stored(ids);
    await pack(join(dir, 'a.log.1'), archive);
    await utimes(archive, 1, 1);
    await settled(running);
    await stored([...ids, ...(await appendLines(log, 'b', 50, 60))]);
    expect(await sources()).toHaveLength(2);
  });
});
