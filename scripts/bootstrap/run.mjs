import { spawn } from 'node:child_process';
import { accessSync, constants, createWriteStream, mkdirSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const TAIL_LINES = 12;
const TAIL_BYTES = 8 * 1024;

/**
 * Runs a command to its end. Its output goes to the log file; the last lines come back.
 *
 * @param {readonly string[]} command
 * @param {{ logFile: string, env: NodeJS.ProcessEnv, cwd?: string, msMax: number }} options
 * @returns {Promise<{ ok: boolean, tail: string }>} `ok` is false too for a command that is not there or took longer than `msMax`
 */
export function runLogged([file, ...args], { logFile, env, cwd, msMax }) {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = createWriteStream(logFile, { flags: 'a' });
  log.write(`\n$ ${[file, ...args].join(' ')}\n`);
  return new Promise((done) => {
    let tail = '';
    const keep = (chunk) => {
      log.write(chunk);
      tail = (tail + chunk).slice(-TAIL_BYTES);
    };
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => {
      keep(`\ntook longer than ${msMax / 1000} s\n`);
      child.kill('SIGKILL');
    }, msMax);
    const end = (ok) => {
      clearTimeout(timer);
      log.end(() => done({ ok, tail: lastLines(tail) }));
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => {
      keep(`${error.message}\n`);
      end(false);
    });
    child.once('close', (code) => end(code === 0));
  });
}

function lastLines(text) {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-TAIL_LINES)
    .join('\n');
}

/** Where PATH has a command; undefined if it has none. */
export function which(name, env) {
  for (const dir of (env.PATH || '').split(delimiter)) {
    const file = join(dir, name);
    if (dir !== '' && isExecutable(file)) return file;
  }
  return undefined;
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
