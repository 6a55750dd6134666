import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { FatalError } from '../common/errors.ts';

/**
 * Makes a folder and those above it, if need be. Throws a FatalError when it cannot be made. Not by `recursive`, which tries for ever where
 * nothing can be made, as below /proc.
 */
export function makeFolder(folder: string): void {
  try {
    make(folder);
  } catch (error) {
    throw new FatalError(`the folder ${folder} cannot be made`, { cause: error });
  }
}

function make(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return;
    const above = dirname(folder);
    if (code !== 'ENOENT' || above === folder) throw error;
    make(above);
    mkdirSync(folder);
  }
}
