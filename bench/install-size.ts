import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder, seen from dist/bench/. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LARGEST_SHOWN = 5;

export interface InstallSize {
  packages: number;
  files: number;
  /** Sum of the files' sizes; a file system takes somewhat more for them. */
  bytes: number;
  largest: { name: string; bytes: number }[];
}

interface LockedPackage {
  dev?: boolean;
  optional?: boolean;
  devOptional?: boolean;
}

/**
 * What `npm ci --omit=dev --omit=optional` puts into node_modules, as the Dockerfile does it: those packages of the lock file, as they lie in the
 * node_modules that is there.
 */
export function installSize(root: string): InstallSize {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  const sizes = productionPackages(lock.packages).map((path) => ({
    name: path.slice('node_modules/'.length),
    ...sizeOf(join(root, path)),
  }));
  return {
    packages: sizes.length,
    files: sizes.reduce((sum, { files }) => sum + files, 0),
    bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
    largest: sizes
      .sort((a, b) => b.bytes - a.bytes)
      .slice(0, LARGEST_SHOWN)
      .map(({ name, bytes }) => ({ name, bytes })),
  };
}

/** Paths of the packages that are needed without dev and optional ones. https://docs.npmjs.com/cli/configuring-npm/package-lock-json */
export function productionPackages(packages: Readonly<Record<string, LockedPackage>>): string[] {
  return Object.entries(packages)
    .filter(([path, { dev, optional, devOptional }]) => path !== '' && !(dev ?? optional ?? devOptional))
    .map(([path]) => path);
}

/** Packages that lie in a package's own node_modules are counted by themselves. */
function sizeOf(folder: string): { files: number; bytes: number } {
  const size = { files: 0, bytes: 0 };
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules') {
      const inside = sizeOf(path);
      size.files += inside.files;
      size.bytes += inside.bytes;
    } else if (entry.isFile()) {
      size.files += 1;
      size.bytes += statSync(path).size;
    }
  }
  return size;
}
