import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/**
 * How far the engine stands back behind other processes of the machine (nice). Reading rows and merging parts keep cores busy for seconds, and
 * meanwhile logs would wait for a moment of the processor's, Redis' and the collector's: rows can wait, senders and summaries cannot. It still
 * gets a third of what another process gets, and all that is left (docs/decisions/027).
 */
const NICENESS = 5;

/** Lowers the priority of this process, and of every thread that it makes from now on. One that stands back further stays there: only root could raise it. */
export function standBack(): void {
  for (const thread of threadsOfProcess()) {
    if (getPriority(thread) < NICENESS) setPriority(thread, NICENESS);
  }
}

/** Linux has a priority for each thread, and Node has started some of its own; elsewhere it is the process', 0 being this one. */
function threadsOfProcess(): number[] {
  if (process.platform !== 'linux') return [0];
  return readdirSync('/proc/self/task').map(Number);
}
