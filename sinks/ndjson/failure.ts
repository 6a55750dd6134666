import { FatalError, FencedError, RetriableError } from '../../common/errors.ts';

/** The code of what the system refused (`ENOSPC`); undefined of anything else that was thrown. */
export function codeOf(error: unknown): string | undefined {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return error instanceof Error && syscall !== undefined ? code : undefined;
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
const FORBIDDEN: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * What a failed operation on files means (errors.ts), by its code. Everything that is not known to be for ever is worth another attempt: a mount
 * may come back, and the waiting is seen. Bugs stay what they are.
 */
export function meaningOf(error: unknown, dir: string): unknown {
  if (error instanceof RetriableError || error instanceof FatalError || error instanceof FencedError)
    return error;
  const code = codeOf(error);
  if (code === undefined) return error;
  if (FULL.has(code)) return new RetriableError(`the disk of ${dir} is full`, { cause: error });
  if (FORBIDDEN.has(code)) return new FatalError(`no right to write in ${dir} (dir)`, { cause: error });
  return new RetriableError(`cannot write in ${dir}`, { cause: error });
}
