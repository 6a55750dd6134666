import { lstat, readdir, stat } from 'node:fs';
import type { BigIntStats, Dirent } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import type { FileSystemAdapter } from 'tinyglobby';
import { lstatEachLocal, statEach } from './many-stats.ts';
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
  /**
   * The files that match now, by key: one reached by several names is there once, under the first of them.
   *
   * @param isLocal whether all folders are known to be on file systems of this machine.
   */
  scan(isLocal: boolean): Promise<Map<string, FoundFile>>;
  /** Of each pattern, the folder where its wildcards begin. */
  readonly folders: readonly string[];
  /** Whether nothing can match that is not in those folders. */
  readonly isFlat: boolean;
}

/** What a folder holds, as Node's `readdir` with types tells it. */
export type ReadFolder = (
  folder: string,
  options: { withFileTypes: true },
  done: (error: Error | null, entries: Dirent[]) => void,
) => void;

export function createDiscovery(
  patterns: { paths: readonly string[]; exclude: readonly string[] },
  problems: { files: FileProblems; folders: FileProblems },
  readFolder: ReadFolder = readdir,
): Discovery {
  const paths = patterns.paths.map((path) => resolve(path));
  const ignore = patterns.exclude.map((path) => resolve(path));
  const fs = tellingOf(problems.folders, readFolder);
  /** What the last scan found, by path: what has not changed is kept, so that thousands of files at rest make nothing old. */
  let last = new Map<string, FoundFile>();
  return {
    folders: paths.map(fixedFolder),
    isFlat: paths.every((path) => fixedFolder(path) === dirname(path)),
    scan: async (isLocal) => {
      // One by one: together they would be searched for from their common root, which may be `/`.
      const matches = await Promise.all(paths.map((path) => matching(path, ignore, fs)));
      const names = [...new Set(matches.flat())].sort();
      const found = new Map<string, FoundFile>();
      last = await lookAt(names, last, problems.files, isLocal);
      for (const name of names) {
        const file = last.get(name);
        if (file !== undefined && !found.has(file.key)) found.set(file.key, file);
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

/** A search passes over folders that cannot be read, as if nothing were in them; here it is told. */
function tellingOf(problems: FileProblems, readFolder: ReadFolder): FileSystemAdapter {
  const telling: ReadFolder = (folder, options, done) =>
    readFolder(folder, options, (error, entries) => {
      const path = resolve(folder);
      if (error === null) problems.over(path);
      else if (isSystemError(error)) problems.report(path, error);
      done(error, entries);
    });
  // Of all the ways in which Node's can be called, a search knows this one.
  return { readdir: telling as unknown as typeof readdir };
}

function matching(path: string, ignore: readonly string[], fs: FileSystemAdapter): Promise<string[]> {
  return glob(path, {
    fs,
    ignore,
    absolute: true,
    onlyFiles: true,
    expandDirectories: false,
    followSymbolicLinks: true,
    dot: false,
    caseSensitiveMatch: true,
  });
}

/** What the paths lead to now, without those that lead to no file. */
async function lookAt(
  paths: readonly string[],
  before: ReadonlyMap<string, FoundFile>,
  problems: FileProblems,
  isLocal: boolean,
): Promise<Map<string, FoundFile>> {
  const found = new Map<string, FoundFile>();
  const links: string[] = [];
  const take = (path: string, stats: BigIntStats | Error, isLink: boolean) => {
    if (stats instanceof Error) {
      if (!isSystemError(stats)) throw stats;
      problems.report(path, stats);
    } else if (stats.isFile()) found.set(path, fileOf(path, stats, isLink, before.get(path)));
  };
  const see = (path: string, stats: BigIntStats | Error) => {
    if (!(stats instanceof Error) && stats.isSymbolicLink()) links.push(path);
    else take(path, stats, false);
  };
  await (isLocal ? lstatEachLocal(paths, see) : statEach(paths, lstat, see));
  // They may lead anywhere.
  await statEach(links, stat, (path, stats) => take(path, stats, true));
  return found;
}

/** @param before what the path led to when it was looked at last; given back if nothing has changed. */
function fileOf(path: string, stats: BigIntStats, isLink: boolean, before: FoundFile | undefined): FoundFile {
  const [dev, ino] = [String(stats.dev), String(stats.ino)];
  const [bytes, changed] = [Number(stats.size), stats.mtimeNs];
  const isSame =
    before?.changed === changed &&
    before.bytes === bytes &&
    before.ino === ino &&
    before.dev === dev &&
    before.isLink === isLink;
  return isSame ? before : { path, key: `${dev}:${ino}`, dev, ino, bytes, changed, isLink };
}
