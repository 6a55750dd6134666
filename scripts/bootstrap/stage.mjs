/** A stage that cannot be done, in a sentence that says what to do. */
export class StageError extends Error {
  /**
   * @param {string} message
   * @param {{ logFile?: string, tail?: string }} [output] of the command that failed
   */
  constructor(message, { logFile, tail } = {}) {
    super(message);
    this.name = 'StageError';
    this.logFile = logFile;
    this.tail = tail;
  }
}

/**
 * Runs one stage and prints one line for it: what it came to (with a `!` if that is less than it should be), or why it failed. A terminal sees
 * meanwhile what is going on.
 *
 * @template {{ detail: string, warning?: boolean }} T
 * @param {string} name
 * @param {(progress: (detail: string) => void) => T | Promise<T>} work `progress` may be called at any time
 * @returns {Promise<T>}
 */
export async function runStage(name, work) {
  const out = process.stdout;
  let shown = false;
  const progress = (detail) => {
    if (!out.isTTY) return;
    out.write(`\r\u001B[2K${line('…', name, detail).slice(0, Math.max((out.columns || 80) - 1, 20))}`);
    shown = true;
  };
  const clear = () => {
    if (shown) out.write('\r\u001B[2K');
  };
  try {
    const result = await work(progress);
    clear();
    out.write(`${line(result.warning ? '!' : '✓', name, result.detail)}\n`);
    return result;
  } catch (error) {
    clear();
    if (error instanceof StageError) process.stderr.write(failure(name, error));
    throw error;
  }
}

function failure(name, { message, logFile, tail }) {
  const said = tail ? `${tail.replace(/^/gm, '    ')}\n` : '';
  const where = logFile ? `    The whole output is in ${logFile}\n` : '';
  return `${line('✗', name, message)}\n${said}${where}`;
}

function line(mark, name, detail) {
  return `${mark} ${name.padEnd(14)} ${detail}`;
}

/** `0.4 s`, `14 s`, `2 min 5 s`. */
export function describeTime(ms) {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** A clock for one stage: `const took = stopwatch(); …; took()` → `14 s`. */
export function stopwatch() {
  const startedAt = Date.now();
  return () => describeTime(Date.now() - startedAt);
}
