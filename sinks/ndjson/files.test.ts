import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { createReadStream } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../common/clock.ts';
import { FatalError, RetriableError } from '../../common/errors.ts';
import { until } from '../../common/testing/until.ts';
import { aDeadLetter, aLog, aSummary, batchOf } from '../testing/rows.ts';
import { aLane, openFolder, rowsOf, textOf } from './fixture.ts';

const never = new AbortController().signal;
const run = promisify(execFile);
const logs = (n: number, from = 0) => Array.from({ length: n }, (_, i) => aLog(from + i));

/** A clock whose time is set by hand. */
function clockAt(time: string) {
  let now = Date.parse(time);
  const sleeping = new Set<{ until: number; wake: () => void }>();
  const clock: Clock = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = {
          until: now + ms,
          wake: () => {
            sleeping.delete(sleeper);
            resolve();
          },
        };
        sleeping.add(sleeper);
        signal?.addEventListener('abort', sleeper.wake, { once: true });
      }),
  };
  const moveTo = (later: number) => {
    now = later;
    for (const sleeper of sleeping) if (sleeper.until <= now) sleeper.wake();
  };
  return {
    clock,
    moveTo: (later: string) => moveTo(Date.parse(later)),
    /** Lets time go by until something has happened. */
    passUntil: (what: string, condition: () => Promise<boolean>) =>
      until(what, async () => {
        moveTo(now + 5_000);
        return condition();
      }),
  };
}

describe('files', () => {
  test('hold the rows as they came, one folder for each kind, and nothing that is not whole is seen', async () => {
    await using folder = await openFolder();
    const sink = folder.makeSink();
    await sink.open(never);
    const lines = logs(3);
    await sink.write(batchOf('log', 'a', lines), never);
    await sink.write(batchOf('summary', 'b', [aSummary(1), aSummary(1, { version: 2 })]), never);
    const newer = { ...aDeadLetter(2), field_of_2030: { a: [1] } };
    await sink.write(batchOf('dead_letter', 'c', [aDeadLetter(1), newer]), never);
    expect(await folder.files('log')).toEqual([]);
    expect((await readdir(folder.dir)).sort()).toEqual([
      '.open',
      'dead_letter',
      'tracking_log',
      'transaction_summary',
    ]);
    for (const stream of sink.streams) sink.settled!(aLane(1, stream));
    await sink.close();
    expect(await folder.rows('log')).toEqual(lines);
    expect(await folder.rows('summary')).toMatchObject([{ version: 1 }, { version: 2 }]);
    expect(await folder.rows('dead_letter')).toEqual([aDeadLetter(1), newer]);
  });

  test('of many batches are read whole by zcat, and by Node as a stream', async () => {
    await using folder = await openFolder();
    const sink = folder.makeSink();
    await sink.open(never);
    for (let i = 0; i < 20; i += 1) await sink.write(batchOf('log', `t${i}`, logs(50, i * 50)), never);
    sink.settled!(aLane(1));
    await sink.close();
    const [file, ...more] = await folder.files('log');
    expect(more).toEqual([]);
    const { stdout } = await run('zcat', [file!], { maxBuffer: 10_000_000 });
    expect(rowsOf(stdout)).toEqual(logs(1000));
    expect(await text(createReadStream(file!).pipe(createGunzip()))).toBe(stdout);
  });

  test('are plain if so configured', async () => {
    await using folder = await openFolder({ gzip: false });
    const sink = folder.makeSink();
    await sink.open(never);
    await sink.write(batchOf('log', 'a', logs(5)), never);
    sink.settled!(aLane(1));
    await sink.close();
    const [file] = await folder.files('log');
    expect(file).toMatch(/\/tracking_log-\d{4}-\d\d-\d\dT\d\d-p0-1-1\.ndjson$/);
    const text = await textOf(file!);
    expect(text.endsWith('}\n')).toBe(true);
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(logs(5));
  });

  test('are handed over when they are full, with the next batch', async () => {
    await using folder = await openFolder({ gzip: false, roll_bytes: '4KiB' });
    const sink = folder.makeSink();
    await sink.open(never);
    for (let i = 0; i < 10; i += 1) {
      await sink.write(batchOf('log', `t${i}`, logs(10, i * 10)), never);
      sink.settled!(aLane(1));
    }
    const before = await folder.rows('log');
    expect(before.length).toBeGreaterThan(50);
    expect(before.length).toBeLessThan(100);
    await sink.close();
    expect(new Set(await folder.rows('log'))).toEqual(new Set(logs(100)));
    expect(await folder.rows('log')).toHaveLength(100);
  });

  test('are handed over when their hour has ended though nothing comes, and not while something is not committed', async () => {
    await using folder = await openFolder();
    const { clock, moveTo, passUntil } = clockAt('2026-01-31T09:59:58Z');
    const sink = folder.makeSink({}, clock);
    await sink.open(never);
    await sink.write(batchOf('log', 'a', logs(5)), never);
    await sink.write({ ...batchOf('log', 'b', logs(5, 5)), partition: 1 }, never);
    sink.settled!(aLane(1));
    moveTo('2026-01-31T10:00:01Z');
    await passUntil('the committed one is handed over', async () => (await folder.files('log')).length > 0);
    expect((await folder.files('log')).map((file) => file.split('/').at(-1))).toEqual([
      'tracking_log-2026-01-31T09-p0-1-1.ndjson.gz',
    ]);
    sink.settled!(aLane(1, 'log', 1));
    await passUntil('so is the other', async () => (await folder.files('log')).length === 2);
    await sink.close();
  });

  test('that somebody left when it was killed are handed over, though nothing comes any more', async () => {
    await using folder = await openFolder();
    const { clock, moveTo, passUntil } = clockAt('2026-01-31T09:30:00Z');
    const [killed, other] = [folder.makeSink({}, clock), folder.makeSink({}, clock)];
    await Promise.all([killed.open(never), other.open(never)]);
    await killed.write(batchOf('log', 'a', logs(5)), never);
    other.settled!(aLane(2));
    moveTo('2026-01-31T10:00:00Z');
    await passUntil('it is handed over', async () => (await folder.rows('log')).length === 5);
    await Promise.all([other.close(), killed.close()]);
  });

  test('stay as long as they are to be kept, and what is not ours stays for ever', async () => {
    await using folder = await openFolder({ keep: '24h' });
    const { clock, moveTo, passUntil } = clockAt('2026-01-31T09:30:00Z');
    const sink = folder.makeSink({}, clock);
    await sink.open(never);
    const names = [
      'tracking_log-2026-01-30T09-p0-1-1.ndjson.gz',
      'tracking_log-2026-01-30T10-p0-1-1.ndjson.gz',
      'notes',
    ];
    const path = (name: string) => join(folder.dir, 'tracking_log', name);
    for (const name of names) {
      await writeFile(path(name), '');
      const time = name === names[1] ? '2026-01-30T10:30:00Z' : '2026-01-30T09:00:00Z';
      await utimes(path(name), new Date(time), new Date(time));
    }
    moveTo('2026-01-31T09:31:00Z');
    await passUntil('the old one is gone', async () => (await folder.files('log')).length === 2);
    expect((await folder.files('log')).map((file) => file.split('/').at(-1))).toEqual(['notes', names[1]]);
    await sink.close();
  });
});

describe('a folder that cannot be used', () => {
  const open = async (dir: string) => {
    await using folder = await openFolder({ dir });
    await folder.makeSink().open(never);
  };

  test('ends the process in words', async () => {
    await using folder = await openFolder();
    const file = join(folder.dir, 'file');
    await writeFile(file, '');
    await symlink('/nowhere', join(folder.dir, 'broken'));
    for (const [dir, words] of [
      [join(folder.dir, 'missing'), 'there is no folder'],
      [join(file, 'below'), 'there is no folder'],
      [join(folder.dir, 'broken'), 'there is no folder'],
      [file, 'is not a folder'],
    ] as const) {
      const opening = open(dir);
      await expect(opening).rejects.toThrow(FatalError);
      await expect(opening).rejects.toThrow(words);
    }
  });
});

/** A file system of a few KiB; only root may make one. */
async function mountSmall(): Promise<({ dir: string } & AsyncDisposable) | undefined> {
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    await rm(dir, { recursive: true });
    return undefined;
  }
  return {
    dir,
    [Symbol.asyncDispose]: async () => {
      execFileSync('umount', ['--lazy', dir]);
      await rm(dir, { recursive: true });
    },
  };
}

const canMount = await (async () => {
  await using disk = await mountSmall();
  return disk !== undefined;
})();

describe.skipIf(!canMount)('a disk', () => {
  test('that is full: the batch waits, and is there once when there is room again', async () => {
    await using disk = (await mountSmall())!;
    await using folder = await openFolder({ dir: disk.dir, gzip: false });
    const sink = folder.makeSink();
    await sink.open(never);
    const ballast = join(disk.dir, 'ballast');
    await sink.write(batchOf('log', 'a', logs(100)), never);
    await writeFile(ballast, Buffer.alloc(300_000));
    const large = batchOf('log', 'b', logs(400, 100));
    for (let i = 0; i < 3; i += 1) {
      const writing = sink.write(large, never);
      await expect(writing).rejects.toThrow(RetriableError);
      await expect(writing).rejects.toThrow('is full');
    }
    await rm(ballast);
    await sink.write(large, never);
    sink.settled!(aLane(1));
    await sink.close();
    const [name, ...more] = await readdir(join(disk.dir, 'tracking_log'));
    expect(more).toEqual([]);
    expect(rowsOf(await textOf(join(disk.dir, 'tracking_log', name!)))).toEqual(logs(500));
  });

  test('that is read-only ends the process in words', async () => {
    await using disk = (await mountSmall())!;
    execFileSync('mount', ['-o', 'remount,ro', disk.dir]);
    await using folder = await openFolder({ dir: disk.dir });
    const opening = folder.makeSink().open(never);
    await expect(opening).rejects.toThrow(FatalError);
    await expect(opening).rejects.toThrow('no right to write');
  });
});
