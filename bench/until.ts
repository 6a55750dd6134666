import { setTimeout as delay } from 'node:timers/promises';

/** Looking costs CPU, too. */
const POLL_MS = 50;
/** Longer than anything that is waited for on a machine of some use: a bench that hangs must end. */
const WAIT_MS_MAX = 30 * 60_000;

/** Polls until the condition holds; throws, naming what was waited for, when it does not within half an hour. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited half an hour in vain until ${what}`);
    await delay(POLL_MS);
  }
}
