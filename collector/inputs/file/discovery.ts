import { lstat, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { isSystemError } from './problems.ts';
import type { FileProblems } from './problems.ts';

/** A file as a scan found it. */
export interface FoundFile {
  path: string;
  /** What the file is while the system runs, whatever it is called: `dev:ino`. */
  key: string;
  dev: string;
  ino: string;
  bytes: number;
  /** Changes with every write. */
  changed: bigint;
  /** Whether the name is a link: what happens to the file does not show in the name's folder. */
  isLink: boolean;
}

export interface Discovery {
  /** The files that match now, by key: one reached by several names is there once, under the first of them. */
  scan(): Promise<Map<string, FoundFile>>;
  /** Of each pattern, the folder where its wildcards begin. */
  readonly folders: readonly string[];
  /** Whether nothing can match that is not in those folders. */
  readonly isFlat: boolean;
}

/** Each waits for a thread of libuv's pool, of which there are four. */
const STATS_MAX = 64;

export function createDiscovery(
  patterns: { paths: readonly string[]; exclude: readonly string[] },
  problems: FileProblems,
): Discovery {
  const paths = patterns.paths.map((path) => resolve(path));
  const ignore = patterns.exclude.map((path) => resolve(path));
  /** What the last scan found, by path: what has not changed is kept, so that thousands of files at rest make nothing old. */
  let last = new Map<string, FoundFile>();
  return {
    folders: paths.map(fixedFolder),
    isFlat: paths.every((path) => fixedFolder(path) === dirname(path)),
    scan: async () => {
      // One by one: together they would be searched for from their common root, which may be `/`.
      const matches = await Promise.all(paths.map((path) => matching(path, ignore)));
      const names = [...new Set(matches.flat())].sort();
      const found = new Map<string, FoundFile>();
      const looked = new Map<string, FoundFile>();
      for (let i = 0; i < names.length; i += STATS_MAX) {
        const part = names.slice(i, i + STATS_MAX);
        for (const file of await Promise.all(part.map((path) => look(path, last.get(path), problems)))) {
          if (file === undefined) continue;
          looked.set(file.path, file);
          if (!found.has(file.key)) found.set(file.key, file);
        }
      }
      last = looked;
      return found;
    },
  };
}

function fixedFolder(pattern: string): string {
  let folder = dirname(pattern);
  while (isDynamicPattern(folder)) folder = dirname(folder);
  return folder;
}

function matching(path: string, ignore: readonly string[]): Promise<string[]> {
  return glob(path, {
    ignore,
    absolute: true,
    onlyFiles: true,
    expandDirectories: false,
    followSymbolicLinks: true,
    dot: false,
    caseSensitiveMatch: true,
  });
}

/** @param before what the path led to when it was looked at last; given back if nothing has changed. */
async function look(
  path: string,
  before: FoundFile | undefined,
  problems: FileProblems,
): Promise<FoundFile | undefined> {
  try {
    // Inode numbers of some file systems need all their 64 bits.
    const named = await lstat(path, { bigint: true });
    const isLink = named.isSymbolicLink();
    const stats = isLink ? await stat(path, { bigint: true }) : named;
    if (!stats.isFile()) return undefined;
    const [dev, ino, bytes, changed] = [
      String(stats.dev),
      String(stats.ino),
      Number(stats.size),
      stats.mtimeNs,
    ];
    const isSame =
      before?.changed === changed &&
      before.bytes === bytes &&
      before.ino === ino &&
      before.dev === dev &&
      before.isLink === isLink;
    return isSame ? before : { path, key: `${dev}:${ino}`, dev, ino, bytes, changed, isLink };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    problems.report(path, error);
    return undefined;
  }
}
