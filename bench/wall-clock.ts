/** A tick that is noticed late, since another process had the core, moves the clock back; the best of several is hardly ever late. */
const TICKS = 5;

/**
 * The wall clock to some microseconds, ms since 1970, for times that are compared with those of other processes on this machine. `Date.now` counts whole
 * ms; so its ticks are waited for once, and a monotonic clock goes on from there.
 */
export function createWallClock(): () => number {
  let offset = -Infinity;
  for (let ticks = 0; ticks < TICKS; ticks += 1) {
    const before = Date.now();
    let tick = before;
    while (tick === before) tick = Date.now();
    offset = Math.max(offset, tick - performance.now());
  }
  return () => offset + performance.now();
}
