import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Has V8 look through the whole heap once. How far a heap may grow follows from how much of it was in use at the last such look; before the first one it
 * may grow far beyond, and does so under load: a collector that serves 10,000 logs/s keeps 12 MiB of old garbage within half a minute, and more later
 * (docs/performance.md). When a role has just started, it takes some 12 ms. The function is Node's own for it (`--expose-gc`), which stays hidden from the rest
 * of the process.
 */
export function collectStartUpGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof collect === 'function') collect();
}
