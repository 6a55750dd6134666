import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLaneFile } from './lane-file.ts';
import type { LaneFile } from './lane-file.ts';

/** A lane's file on a disk that fails once, at a chosen call. Nothing but a stand-in for that call can bring it about. */
const faults = vi.hoisted(() => ({ open: '', journal: false }));
vi.mock(import('node:fs/promises'), async (original) => {
  const real = await original();
  const failure = (code: string, syscall: string) =>
    Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
  const open: typeof real.open = async (path, flags): Promise<FileHandle> => {
    if (path === faults.open) {
      faults.open = '';
      throw failure('EMFILE', 'open');
    }
    const handle = await real.open(path, flags);
    const datasync = handle.datasync.bind(handle);
    handle.datasync = async () => {
      // Of a journal that is being begun, whose name changes once it is whole: its later lines are synced through the same handle.
      if (faults.journal && String(path).endsWith('journal.new')) {
        faults.journal = false;
        throw failure('ENOSPC', 'fdatasync');
      }
      return datasync();
    };
    return handle;
  };
  return { ...real, open };
});

let dir: string;
let folder: string;
let targetFolder: string;
let hour: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tranweave-lane-file-'));
  await mkdir(join(dir, 'open'));
  folder = join(dir, 'open', 'log-0');
  targetFolder = join(dir, 'tracking_log');
  await mkdir(targetFolder);
  hour = '2026-01-31T09';
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** @param rollBytes after so many a file is handed over. */
const owner = (fence: number, rollBytes = 1e9): LaneFile =>
  createLaneFile({
    lane: { stream: 'log', partition: 0, fence },
    folder,
    targetFolder,
    name: 'tracking_log',
    gzip: false,
    rollBytes,
    hour: () => hour,
    onLeftBehind: () => undefined,
  });
const [A, B] = ['{"row":"a"}\n', '{"row":"b"}\n'];
const store = (file: LaneFile, token: string, line: string) => file.store(token, Buffer.from(line));

/** Everything that readers find. */
async function handedOver(): Promise<string[]> {
  const names = (await readdir(targetFolder)).sort();
  return Promise.all(names.map((name) => readFile(join(targetFolder, name), 'utf8')));
}

test('what was committed is kept when the new owner cannot open it at first', async () => {
  const first = owner(1);
  await store(first, 'A', A);
  await first.close();
  const next = owner(2);
  faults.open = join(folder, '2', 'data.ndjson');
  await expect(store(next, 'B', B)).rejects.toThrow('EMFILE');
  await store(next, 'B', B);
  next.settle();
  await next.roll('always');
  await next.close();
  expect(await handedOver()).toEqual([A + B]);
});

test('a batch whose line in the journal was not synced is not taken for stored once the file before it was handed over', async () => {
  const first = owner(1);
  await store(first, 'A', A);
  first.settle();
  faults.journal = true;
  await expect(store(first, 'B', B)).rejects.toThrow('ENOSPC');
  // The next attempt finds the hour over, hands A over, and is killed before it begins another file.
  hour = '2026-01-31T10';
  faults.open = join(folder, '1', 'data.ndjson');
  await expect(store(first, 'B', B)).rejects.toThrow('EMFILE');
  await first.close();
  const next = owner(2);
  await store(next, 'B', B);
  next.settle();
  await next.roll('always');
  await next.close();
  expect(await handedOver()).toEqual([A, B]);
});

test.each(['target', 'own'] as const)(
  'a file whose %s folder could not be synced once is handed over by the next attempt, and nothing is added to it',
  async (which) => {
    const file = owner(1);
    await store(file, 'A', A);
    file.settle();
    faults.open = which === 'target' ? targetFolder : join(folder, '1');
    await expect(file.roll('always')).rejects.toThrow('EMFILE');
    expect(await handedOver()).toEqual([A]);
    await store(file, 'B', B);
    file.settle();
    await file.roll('always');
    await file.close();
    expect(await handedOver()).toEqual([A, B]);
  },
);
