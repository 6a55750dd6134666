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
  return {
    folders: paths.map(fixedFolder),
    isFlat: paths.every((path) => fixedFolder(path) === dirname(path)),
    scan: async () => {
      // One by one: together they would be searched for from their common root, which may be `/`.
      const matches = await Promise.all(paths.map((path) => matching(path, ignore)));
      const names = [...new Set(matches.flat())].sort();
      const found = new Map<string, FoundFile>();
      for (let i = 0; i < names.length; i += STATS_MAX) {
        const part = names.slice(i, i + STATS_MAX);
        for (const file of await Promise.all(part.map((path) => look(path, problems)))) {
          if (file !== undefined && !found.has(file.key)) found.set(file.key, file);
        }
      }
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

async function look(path: string, problems: FileProblems): Promise<FoundFile | undefined> {
  try {
    // Inode numbers of some file systems need all their 64 bits.
    const named = await lstat(path, { bigint: true });
    const isLink = named.isSymbolicLink();
    const stats = isLink ? await stat(path, { bigint: true }) : named;
    if (!stats.isFile()) return undefined;
    return {
      path,
      key: `${stats.dev}:${stats.ino}`,
      dev: String(stats.dev),
      ino: String(stats.ino),
      bytes: Number(stats.size),
      changed: stats.mtimeNs,
      isLink,
    };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    problems.report(path, error);
    return undefined;
  }
}
