import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * One Ctrl-C comes here up to twice, from the terminal and from npm, which passes on what it gets itself. What comes within this
 * time of the first is the same key press.
 */
const SAME_PRESS_MS = 1_000;

/**
 * Runs a command with this process' own input and output until it ends. It is in a process group of its own, so that it hears of a
 * Ctrl-C only from here: once, however often the signal came.
 *
 * @param {readonly string[]} command
 * @param {NodeJS.ProcessEnv} env
 * @param {{ cwd?: string, group?: boolean }} [options] `group`: signals go to its children as well
 * @returns {Promise<number>} its exit code; 128 and the signal's number if a signal ended it
 */
export function runInForeground([file, ...args], env, { cwd, group = false } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(file, args, { cwd, env, stdio: 'inherit', detached: true });
    let lastMs = -Infinity;
    const forward = (signal) => {
      if (Date.now() - lastMs < SAME_PRESS_MS) return;
      lastMs = Date.now();
      send(child.pid, signal, group);
    };
    // A session of its own does not hear of the window's new size either.
    const resize = () => send(child.pid, 'SIGWINCH', false);
    for (const signal of FORWARDED) process.on(signal, forward);
    process.on('SIGWINCH', resize);
    const end = () => {
      for (const signal of FORWARDED) process.off(signal, forward);
      process.off('SIGWINCH', resize);
    };
    child.once('error', (error) => {
      end();
      fail(error);
    });
    child.once('exit', (code, signal) => {
      end();
      done(code === null ? 128 + constants.signals[signal] : code);
    });
  });
}

function send(pid, signal, group) {
  if (pid === undefined) return;
  try {
    process.kill(group ? -pid : pid, signal);
  } catch (error) {
    // It ended a moment ago.
    if (error.code !== 'ESRCH') throw error;
  }
}
