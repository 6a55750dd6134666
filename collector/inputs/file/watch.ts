import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, join } from 'node:path';
import type { Logger } from '../../../common/logger.ts';
import { isSystemError } from './problems.ts';

/**
 * Tells that something happened to a file of some folders. Only a hint: events get lost, and network mounts have none; whoever
 * listens looks for himself from time to time. The folders are watched and not the files, since a watch on a file follows it
 * away from its name, and one watch per folder is enough.
 */
export interface FolderWatch {
  /** Watches these folders and no others. */
  watch(folders: ReadonlySet<string>): void;
  /** Whether each of these is watched now. */
  covers(folders: ReadonlySet<string>): boolean;
  close(): void;
}

export interface FolderEvents {
  /** The file was written to. */
  written(path: string): void;
  /** A name came, went, or means another file. */
  renamed(): void;
}

type WatchFolder = (folder: string, told: (event: string, name: string | null) => void) => FSWatcher;

/** More folders than this are left to the scans. */
const FOLDERS_MAX = 1000;

/** Failures that are all folders' alike: so many watches, or open files, are allowed (inotify(7)). */
const BOUNDS: ReadonlySet<string> = new Set(['ENOSPC', 'EMFILE', 'ENFILE']);
/** A scan does not find anything in such a folder, and tells so itself. */
const UNREADABLE: ReadonlySet<string> = new Set(['EACCES', 'EPERM']);

/** @param watchFolder Node's `watch`; for tests. */
export function createFolderWatch(
  events: FolderEvents,
  logger: Logger,
  watchFolder: WatchFolder = watch,
): FolderWatch {
  const watches = new Map<string, FSWatcher>();
  /** Folders that were told of, or the bound that was reached; until they can be watched. */
  const told = new Set<string>();

  function drop(folder: string): void {
    watches.get(folder)?.close();
    watches.delete(folder);
  }

  function failed(folder: string, error: Error): void {
    drop(folder);
    const code = isSystemError(error) ? error.code : '';
    if (UNREADABLE.has(code)) return;
    const what = BOUNDS.has(code) ? code : folder;
    if (told.has(what)) return;
    told.add(what);
    logger.warn({ folder, error: error.message }, 'folder cannot be watched; files are found by scans alone');
  }

  function add(folder: string): void {
    try {
      const watcher = watchFolder(folder, (event, name) => {
        if (event === 'change' && name !== null) return events.written(join(folder, name));
        // The folder itself may have gone, and another may have its name: watch it anew.
        if (name === null || name === basename(folder)) drop(folder);
        events.renamed();
      });
      watcher.on('error', (error: Error) => failed(folder, error));
      watches.set(folder, watcher);
      told.delete(folder);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      // A folder that has just gone is no matter.
      if (error.code !== 'ENOENT') failed(folder, error);
    }
  }

  return {
    watch: (folders) => {
      for (const folder of watches.keys()) {
        if (!folders.has(folder)) drop(folder);
      }
      for (const folder of folders) {
        if (watches.size >= FOLDERS_MAX) return;
        if (!watches.has(folder)) add(folder);
      }
    },
    covers: (folders) => [...folders].every((folder) => watches.has(folder)),
    close: () => {
      for (const folder of watches.keys()) drop(folder);
    },
  };
}
