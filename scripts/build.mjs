import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Sources → dist/, in the same layout: TypeScript by tsc, and what the code reads at run time (Lua, SQL, …) as it is. Run it by itself
 * (`npm run build`), or ask whether it is needed.
 */

const PARTS = [
  'common',
  'collector',
  'processor',
  'sinks',
  'api',
  'scripts',
  'bench',
  'tests/chaos',
  'tests/support',
];
/** What code reads from beside itself. */
const ASSET = /\.(lua|sql|json|yml|html|xml|c)$/;
const SOURCE = /(?<!\.test|\.d)\.ts$/;
/** What decides about the output besides the sources. */
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', 'scripts/build.mjs'];
const STAMP_FILE = '.build-stamp';
const COMMAND = 'scripts/cli.js';

/** Whether dist/ is what the sources would give now: by their names, sizes and times, which takes a few milliseconds. */
export function isBuilt(root) {
  return readOr(join(root, 'dist', STAMP_FILE), '') === stampOf(root, sourcesOf(root));
}

/** Compiles and copies. Returns tsc's exit code; its messages are on the standard output. */
export function build(root) {
  const sources = sourcesOf(root);
  // Taken before: what is changed while tsc runs is then compiled the next time.
  const stamp = stampOf(root, sources);
  const dist = join(root, 'dist');
  rmSync(join(dist, STAMP_FILE), { force: true });
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) return status || 1;
  for (const file of sources.filter((name) => ASSET.test(name))) {
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    copyFileSync(join(root, file), join(dist, file));
  }
  removeStale(dist, sources);
  // npx runs the package's own bin only if it is executable.
  if (sources.includes('scripts/cli.ts')) chmodSync(join(dist, COMMAND), 0o755);
  writeFileSync(join(dist, STAMP_FILE), stamp);
  return 0;
}

/** Sources and assets, by their paths from the root, with / between the parts. */
function sourcesOf(root) {
  return PARTS.flatMap((part) => filesBelow(join(root, part)))
    .map((file) => relative(root, file).split(sep).join('/'))
    .filter((file) => SOURCE.test(file) || ASSET.test(file))
    .sort((a, b) => (a < b ? -1 : 1));
}

/** Removed instead of starting from an empty folder, which would take dist/ away from whoever runs from it. */
function removeStale(dist, sources) {
  const wanted = new Set(
    sources.flatMap((file) =>
      ASSET.test(file) ? [file] : [file.replace(SOURCE, '.js'), file.replace(SOURCE, '.js.map')],
    ),
  );
  for (const file of filesBelow(dist)) {
    const name = relative(dist, file).split(sep).join('/');
    if (!wanted.has(name) && name !== STAMP_FILE) rmSync(file);
  }
}

export function stampOf(root, files) {
  const hash = createHash('sha256');
  for (const file of files) {
    const { size, mtimeMs } = statSync(join(root, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  for (const file of SETTINGS) hash.update(readOr(join(root, file), ''));
  return `${hash.digest('hex')}\n`;
}

function filesBelow(dir) {
  let entries;
  try {
    entries = readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
  return entries.flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(dir, entry.name)) : [join(dir, entry.name)],
  );
}

function readOr(file, fallback) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return fallback;
    throw error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = build(resolve(fileURLToPath(new URL('..', import.meta.url))));
}
