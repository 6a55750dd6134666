import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runLogged } from './run.mjs';

/** FerretDB 1 with its SQLite backend, from source: a server that speaks MongoDB's protocol and is one file. */

/** The last of the releases that need no PostgreSQL, and what is in it, as Go's checksum database has it. */
const MODULE = 'github.com/FerretDB/FerretDB';
const VERSION = 'v1.24.2';
const SUM = 'h1:trrUU0LbmusMbyubhPS1IELncvrIwKrsRT2LW1UUWCw=';

const DOWNLOAD_MS_MAX = 3 * 60_000;
const BUILD_MS_MAX = 10 * 60_000;
const VERSION_MS_MAX = 30_000;

/** Whether what was built before is of the version that would be built now. */
export function isCurrent(file) {
  try {
    const output = execFileSync(file, ['--version'], { encoding: 'utf8', timeout: VERSION_MS_MAX });
    return output.includes(VERSION);
  } catch {
    return false;
  }
}

/**
 * Builds `ferretdb` into .cache/bin.
 *
 * @returns {Promise<string | undefined>} where it is; undefined if that failed, for reasons that are in the log file
 */
export async function buildFerret({ go, cacheDir, env, logFile }) {
  rmSync(logFile, { force: true });
  const sources = join(cacheDir, 'ferretdb-src');
  const file = join(cacheDir, 'bin', 'ferretdb');
  // Pure Go, so that no C compiler is needed.
  const run = (args, cwd, msMax) =>
    runLogged([go, ...args], { cwd, env: { ...env, CGO_ENABLED: '0' }, logFile, msMax });
  try {
    mkdirSync(dirname(file), { recursive: true });
    const got = await run(['mod', 'download', '-json', `${MODULE}@${VERSION}`], cacheDir, DOWNLOAD_MS_MAX);
    const dir = got.ok ? dirOf(got.tail) : undefined;
    if (dir === undefined) return undefined;
    rmSync(sources, { recursive: true, force: true });
    copyFolder(dir, sources);
    // A module as it is downloaded lacks the file that names its version, and a FerretDB without it does not start.
    writeFileSync(join(sources, 'build', 'version', 'version.txt'), `${VERSION}\n`);
    const part = `${file}.part`;
    const args = ['build', '-trimpath', '-buildvcs=false', '-o', part, './cmd/ferretdb'];
    const built = await run(args, sources, BUILD_MS_MAX);
    if (!built.ok) return undefined;
    renameSync(part, file);
    return file;
  } finally {
    rmSync(sources, { recursive: true, force: true });
  }
}

/** Where the module is, of what `go mod download -json` printed. */
function dirOf(output) {
  const field = (name) => new RegExp(`"${name}": ("[^"]*")`).exec(output);
  const [sum, dir] = [field('Sum'), field('Dir')];
  return sum !== null && dir !== null && JSON.parse(sum[1]) === SUM ? JSON.parse(dir[1]) : undefined;
}

/** Into folders that can be written to: those of Go's cache cannot. */
function copyFolder(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyFolder(source, target);
    else copyFileSync(source, target);
  }
}
