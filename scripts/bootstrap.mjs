import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureCompiled } from './bootstrap/compiled.mjs';
import { runInForeground } from './bootstrap/foreground.mjs';
import { withLock } from './bootstrap/lock.mjs';
import { ensureMongo } from './bootstrap/mongodb.mjs';
import { checkNodeVersion } from './bootstrap/node-version.mjs';
import { ensurePackages } from './bootstrap/packages.mjs';
import { ensureRedis } from './bootstrap/redis-server.mjs';
import { runStage, StageError } from './bootstrap/stage.mjs';
import { ensureTestDatabases } from './bootstrap/test-databases.mjs';
import { runTests } from './bootstrap/test-run.mjs';

/**
 * What `npm start`, `npm test`, `npm run bench` and `npm run chaos` do first: everything that a fresh machine with Node and npm lacks. Plain Node without
 * dependencies, since node_modules may not be there yet, and without syntax that an older Node could not read, so
 * that it comes as far as saying which one is needed.
 */

const ROOT = resolve(fileURLToPath(new URL('..', import.meta.url)));
const USAGE =
  'usage: node scripts/bootstrap.mjs setup | start [arguments of `up`] | test [arguments of vitest] | bench [arguments] | chaos NAME [arguments]';

const MODES = {
  setup: () => 0,
  start: (args, env) => runInForeground(compiled('scripts/cli.js', ['up', ...args]), env),
  test: (args, env) => runTests(ROOT, args, env),
  bench: (args, env) => runInForeground(compiled('bench/run.js', args), env),
  chaos: (args, env) => runInForeground(compiled('tests/chaos/run.js', args), env),
};

async function main([name = '', ...args]) {
  const mode = Object.prototype.hasOwnProperty.call(MODES, name) ? MODES[name] : undefined;
  if (mode === undefined) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const env = await setUp(name);
  return mode(args, env);
}

/** Runs all stages that this needs, and returns the environment for what comes after them. */
async function setUp(name) {
  const context = { root: ROOT, cacheDir: join(ROOT, '.cache'), env: process.env };
  await runStage('node', () => checkNodeVersion(process.versions.node));
  return withLock(context.cacheDir, async () => {
    await runStage('packages', (progress) => ensurePackages(context, progress));
    await runStage('compiled', (progress) => ensureCompiled(context, progress));
    const { env } = await runStage('redis-server', (progress) => ensureRedis(context, progress));
    if (name !== 'test') return env;
    await runStage('databases', (progress) => ensureTestDatabases(context, progress));
    return (await runStage('mongodb', (progress) => ensureMongo({ ...context, env }, progress))).env;
  });
}

function compiled(file, args) {
  return [process.execPath, join(ROOT, 'dist', file), ...args];
}

async function run() {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    // What the person at the keyboard can mend has been said by its stage; anything else is a bug, whose stack trace helps.
    if (!(error instanceof StageError)) process.stderr.write(`bootstrap: this is a bug: ${error.stack}\n`);
    process.exitCode = 1;
  }
}

void run();
