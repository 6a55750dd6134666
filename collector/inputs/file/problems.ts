import type { Logger } from '../../../common/logger.ts';

/** What the system says when a file cannot be used: an errno as its `code`. */
export interface SystemError extends Error {
  code: string;
  syscall: string;
}

export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

/** Files, or folders, that cannot be read. They are tried again at every scan, so each is told of once, and once more when it is over. */
export interface FileProblems {
  report(path: string, error: Pick<SystemError, 'code' | 'message'>): void;
  over(path: string): void;
}

/** What was told is forgotten when there is more of it: then some is told again. */
const TOLD_MAX = 1000;

export function createFileProblems(logger: Logger, what: 'file' | 'folder' = 'file'): FileProblems {
  const told = new Map<string, string>();
  return {
    report: (path, error) => {
      // Gone between the scan and the look at it: the next scan tells where to.
      if (error.code === 'ENOENT' || told.get(path) === error.code) return;
      if (told.size >= TOLD_MAX) told.clear();
      told.set(path, error.code);
      logger.warn({ path, error: error.message }, `${what} cannot be read; trying again at every scan`);
    },
    over: (path) => {
      if (told.delete(path)) logger.info({ path }, `${what} can be read now`);
    },
  };
}
