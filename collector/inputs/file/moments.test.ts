import { appendFile, mkdir, open, rename, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../../common/clock.ts';
import {
  appendLines,
  inFoldersOfTheirOwn,
  failing,
  hastyClock,
  keys,
  linesOf,
  plainPipeline,
  until,
  untilStored,
} from './fixture.ts';
import type { Fault, Fixture, StartOptions } from './fixture.ts';

/** What happens to files at bad moments: while they are looked for, read, closed, or while Redis is away. */

let fixture: Fixture;
let dir: string;
let log: string;

inFoldersOfTheirOwn((given) => {
  ({ fixture, dir, log } = given);
});

const stored = (ids: readonly string[]) => untilStored(fixture, ids);
const sources = () => fixture.redis.hkeys(keys.sources('in'));

/** An input that scans when it is told to, and sees nothing otherwise. */
async function startByHand(options: StartOptions & { config: Record<string, unknown> }) {
  const waiting = new Set<() => void>();
  const clock: Clock = {
    now: () => hastyClock.now(),
    sleep: (_ms, signal) =>
      new Promise<void>((resolve) => {
        if (signal?.aborted === true) return resolve();
        const wake = () => {
          waiting.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        signal?.addEventListener('abort', wake, { once: true });
      }),
  };
  const { config, ...others } = options;
  await fixture.start(dir, { ...others, config: { watch: false, ...config }, deps: { clock } });
  const rests = () => until(() => waiting.size > 0);
  return async function scan(): Promise<void> {
    await rests();
    for (const wake of waiting) wake();
    await rests();
  };
}

describe('A17: files', () => {
  test('are read in turns: a short one does not wait for the end of a long one', async () => {
    const long = await appendLines(log, 'long', 0, 600);
    const short = await appendLines(join(dir, 'b.log'), 'short', 0, 10);
    const seen: string[] = [];
    await fixture.start(dir, {
      config: { batch_bytes_max: '2KiB' },
      deps: { pipeline: plainPipeline((record) => seen.push(record.meta['path'] ?? '')) },
    });
    await stored([...long, ...short]);
    expect(seen.lastIndexOf(join(dir, 'b.log'))).toBeLessThan(200);
    expect(seen.slice(200)).toContain(log);
  });
});

describe('C33: a file that is truncated while Redis is away', () => {
  test('gives what was read of it, and all that was written anew', async () => {
    let fault: Fault;
    // So many that what identifies the file is known, and only appends wait for Redis.
    const ids = await appendLines(log, 'a', 0, 20);
    const seen: string[] = [];
    await fixture.start(dir, {
      redis: failing(fixture.redis, () => fault),
      deps: { pipeline: plainPipeline((record) => seen.push(record.bytes.toString())) },
    });
    await stored(ids);
    fault = 'before';
    ids.push(...(await appendLines(log, 'b', 0, 5)));
    await until(() => seen.length === 25);
    await truncate(log, 0);
    ids.push(...(await appendLines(log, 'c', 0, 3)));
    fault = undefined;
    await stored(ids);
    expect(await sources()).toHaveLength(2);
  });
});

describe('C37: a link', () => {
  test('that is removed leaves its target read until it is closed', async () => {
    const target = join(dir, 'target');
    const ids = await appendLines(target, 'a', 0, 5);
    await symlink(target, log);
    const scan = await startByHand({ config: {} });
    await stored(ids);
    await rm(log);
    await scan();
    ids.push(...(await appendLines(target, 'b', 0, 5)));
    await scan();
    await stored(ids);
  });

  test('that leads nowhere is no error, and is read when it leads somewhere', async () => {
    const target = join(dir, 'target');
    await symlink(target, log);
    const running = await fixture.start(dir);
    const ids = await appendLines(join(dir, 'b.log'), 'b', 0, 5);
    await stored(ids);
    expect(running.failures).toEqual([]);
    ids.push(...(await appendLines(target, 'a', 0, 5)));
    await stored(ids);
  });
});

describe('C39: a file that is renamed while it is looked for', () => {
  test('again and again, and with its folder, is one file, and each line comes once', async () => {
    await mkdir(join(dir, 'x'));
    const config = { paths: [join(dir, '*', '*.log')], files_open_max: 1 };
    let at = join(dir, 'x', 'a.log');
    // Beside another one, so that it is closed and must be found again by its name.
    const ids = await appendLines(join(dir, 'x', 'other.log'), 'other', 0, 3);
    ids.push(...(await appendLines(at, 'a', 0, 5)));
    const scan = await startByHand({ config });
    await stored(ids);
    let folder = 'x';
    for (let i = 0; i < 12; i += 1) {
      const name = i % 3 === 2 ? undefined : join(dir, folder, `${i}.log`);
      const scanning = scan();
      if (name === undefined) {
        await rename(join(dir, folder), join(dir, `y${i}`));
        at = at.replace(join(dir, folder), join(dir, `y${i}`));
        folder = `y${i}`;
      } else {
        await rename(at, name);
        at = name;
      }
      ids.push(...(await appendLines(at, `r${i}-`, 0, 2)));
      await scanning;
    }
    await scan();
    await scan();
    await stored(ids);
    expect(await sources()).toHaveLength(2);
  });
});

describe('C40: a file that a scan did not find', () => {
  test('is not taken for deleted at once: it goes on where it was when the next one finds it', async () => {
    const opened: string[] = [];
    const ids = [
      ...(await appendLines(log, 'a', 0, 5)),
      ...(await appendLines(join(dir, 'b.log'), 'b', 0, 5)),
    ];
    const scan = await startByHand({
      config: { files_open_max: 1 },
      open: (path) => {
        opened.push(path);
        return open(path, 'r');
      },
    });
    await stored(ids);
    await rename(log, join(dir, 'hidden'));
    await scan();
    await rename(join(dir, 'hidden'), log);
    const before = opened.length;
    await scan();
    // One that was forgotten would have been opened, to find out what it is.
    expect(opened).toHaveLength(before);
    ids.push(...(await appendLines(log, 'more', 0, 5)));
    await scan();
    await stored(ids);
    expect(await sources()).toHaveLength(2);
  });
});

describe('C43: a file that is written to in the moment in which it is closed', () => {
  test('gives those lines as well', async () => {
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c'])
      ids.push(...(await appendLines(join(dir, `${name}.log`), name, 0, 5)));
    const late = new Map<string, string[]>();
    const scan = await startByHand({
      config: { files_open_max: 1 },
      open: async (path) => {
        const handle = await open(path, 'r');
        const close = handle.close.bind(handle);
        handle.close = async () => {
          // Once each: everything was read, and nobody will look into what is still held open.
          if (!late.has(path)) late.set(path, await appendLines(path, `late-${path.at(-5)}`, 0, 3));
          await close();
        };
        return handle;
      },
    });
    await until(async () => expect((await fixture.ids()).length).toBeGreaterThanOrEqual(ids.length));
    for (let i = 0; i < 4; i += 1) await scan();
    expect(late.size).toBeGreaterThanOrEqual(2);
    await stored([...ids, ...[...late.values()].flat()]);
  });
});

describe('what watchers of names lose', () => {
  /** Events are asked for; the scans that decide come every 10 ms. */
  const replace = async (path: string, text: string) => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };

  test('E52: a file in whose place another one is moved, several times, and written to afterwards', async () => {
    const ids = await appendLines(log, 'a', 0, 3);
    await fixture.start(dir);
    await stored(ids);
    for (let i = 0; i < 4; i += 1) {
      await replace(log, linesOf(`n${i}-`, 0, 3).text);
      ids.push(...linesOf(`n${i}-`, 0, 3).ids, ...(await appendLines(log, `m${i}-`, 0, 2)));
      await stored(ids);
    }
  });

  test('E53: several files that are all replaced so, in one go', async () => {
    const paths = Array.from({ length: 5 }, (_, i) => join(dir, `${i}.log`));
    const ids: string[] = [];
    for (const [i, path] of paths.entries()) ids.push(...(await appendLines(path, `o${i}-`, 0, 2)));
    await fixture.start(dir);
    await stored(ids);
    for (let round = 0; round < 2; round += 1) {
      const text = (i: number) => linesOf(`r${round}-${i}-`, 0, 2);
      await Promise.all(paths.map((path, i) => replace(path, text(i).text)));
      ids.push(...paths.flatMap((_, i) => text(i).ids));
      await stored(ids);
      for (const [i, path] of paths.entries())
        ids.push(...(await appendLines(path, `w${round}-${i}-`, 0, 2)));
      await stored(ids);
    }
  });

  test('E54: a file that is removed, and comes back when it was long gone', async () => {
    const ids = await appendLines(log, 'a', 0, 3);
    const scan = await startByHand({ config: { close_after: '0ms' } });
    await stored(ids);
    await unlink(log);
    for (let i = 0; i < 4; i += 1) await scan();
    ids.push(...(await appendLines(log, 'b', 0, 3)));
    await scan();
    await stored(ids);
    await appendFile(log, linesOf('c', 0, 2).text);
    await scan();
    await stored([...ids, ...linesOf('c', 0, 2).ids]);
  });

  test('folders that are made later, removed, and made again', async () => {
    const paths = [join(dir, 'later', '*', '*.log')];
    const running = await fixture.start(dir, { config: { paths } });
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      await mkdir(join(dir, 'later', `day${i}`), { recursive: true });
      ids.push(...(await appendLines(join(dir, 'later', `day${i}`, 'a.log'), `d${i}-`, 0, 3)));
      await stored(ids);
      ids.push(...(await appendLines(join(dir, 'later', `day${i}`, 'a.log'), `e${i}-`, 0, 3)));
      await stored(ids);
      await rm(join(dir, 'later'), { recursive: true });
    }
    expect(running.failures).toEqual([]);
  });
});
