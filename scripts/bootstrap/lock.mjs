import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StageError } from './stage.mjs';

const WAIT_MS_MAX = 15 * 60_000;
const POLL_MS = 250;

/**
 * Runs `work` while no other set-up of this clone runs: two `npm ci` at a time would take node_modules away from each other. A lock
 * whose process is gone counts for nothing.
 *
 * @template T
 * @param {string} cacheDir
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(cacheDir, work) {
  mkdirSync(cacheDir, { recursive: true });
  const file = join(cacheDir, 'bootstrap.lock');
  const release = () => rmSync(file, { force: true });
  await take(file);
  // Ctrl-C ends the process without coming back to `finally`, and its commands with it; the next one finds a dead owner.
  try {
    return await work();
  } finally {
    release();
  }
}

async function take(file) {
  for (let waitedMs = 0; !tryTake(file); waitedMs += POLL_MS) {
    const owner = ownerOf(file);
    if (owner === undefined) continue;
    if (waitedMs === 0)
      process.stdout.write(`… waiting for the set-up that process ${owner} is doing here\n`);
    if (waitedMs >= WAIT_MS_MAX) {
      throw new StageError(`process ${owner} has held ${file} for too long; remove the file if it is stuck`);
    }
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

function tryTake(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

/** The living process that holds the lock; a lock without one is removed. */
function ownerOf(file) {
  let pid;
  try {
    pid = Number(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
  // 0 is a lock whose owner is just writing its number.
  if (pid === 0) return 'unknown';
  if (pid !== process.pid && isAlive(pid)) return pid;
  rmSync(file, { force: true });
  return undefined;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
