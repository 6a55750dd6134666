import type { Clock } from '../../common/clock.ts';

/** How often something is said of what goes on. */
const SAY_INTERVAL_MS = 2_000;

/** Says the lines of now, but not all the time: the first after a while, so that what is quick is not talked about. */
export function createProgress(clock: Clock, say: (line: string) => void): (lines: () => string[]) => void {
  let nextAt = clock.now() + SAY_INTERVAL_MS;
  return (lines) => {
    if (clock.now() < nextAt) return;
    nextAt = clock.now() + SAY_INTERVAL_MS;
    for (const line of lines()) say(line);
  };
}
