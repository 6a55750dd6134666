import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 10;

/** Waits until the condition holds; fails, naming what was waited for, after `msMax`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  msMax = 20_000,
): Promise<void> {
  const deadline = performance.now() + msMax;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${msMax} ms in vain for: ${what}`);
    await delay(POLL_MS);
  }
}
