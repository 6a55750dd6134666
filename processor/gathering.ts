import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Clock } from '../common/clock.ts';

/**
 * How long logs are gathered before they are merged. Longer means fewer turns of a partition's loop, each of which costs some calls to Redis
 * whatever it brings, and fewer revisions of a transaction whose logs come one after the other; shorter means that summaries are there
 * sooner. So a process at leisure gathers for a moment, and a busy one, or one on a busy machine, as long as it may.
 */
export interface Gathering {
  /** A partition is worked on from here on, until what is returned is called. */
  begin(): () => void;
  delayMs(): number;
}

/** The turns of all partitions together are no more than one in so many ms; measured, a turn with few logs costs about 0.5 ms. */
const TURN_MS_MIN = 3;
const DELAY_MS_MIN = 20;
/** Busy for a smaller share of the time than the first is leisure, for a greater one than the second as busy as can be. */
const [LEISURE, BUSY] = [0.96, 0.995];

/**
 * @param delayMsMax `processor.merge_delay`
 * @param busy the share of the time lately, 0 to 1
 */
export function createGathering(delayMsMax: number, busy: () => number): Gathering {
  let partitions = 0;
  return {
    begin: () => {
      partitions += 1;
      return () => {
        partitions -= 1;
      };
    },
    delayMs: () => {
      const least = Math.min(Math.max(TURN_MS_MIN * partitions, DELAY_MS_MIN), delayMsMax);
      const share = Math.min(Math.max((busy() - LEISURE) / (BUSY - LEISURE), 0), 1);
      return Math.round(least + share * (delayMsMax - least));
    },
  };
}

/** Long enough that a merge of ClickHouse's parts, which keeps a core busy for a second or two, does not make logs wait. */
const LOOK_MS = 10_000;

/**
 * For which share of some ten seconds this process was not just waiting, or the machine not idle, whichever is more: on a machine without
 * time to spare, every turn that is saved lets the others get on.
 */
export function busyShare(clock: Clock, timesOf: () => Times = timesOfMachine): () => number {
  let lookedAt = clock.now();
  let loop = performance.eventLoopUtilization();
  let machine = timesOf();
  let share = 0;
  return () => {
    const now = clock.now();
    if (now - lookedAt >= LOOK_MS) {
      const [loopNow, machineNow] = [performance.eventLoopUtilization(), timesOf()];
      const all = machineNow.all - machine.all;
      const idle = machineNow.idle - machine.idle;
      share = Math.max(
        performance.eventLoopUtilization(loopNow, loop).utilization,
        // Where a machine tells no times, only the process counts.
        all > 0 ? 1 - idle / all : 0,
      );
      [loop, machine, lookedAt] = [loopNow, machineNow, now];
    }
    return share;
  };
}

/** Of all cores since the machine was started. */
interface Times {
  all: number;
  idle: number;
}

function timesOfMachine(): Times {
  let [all, idle] = [0, 0];
  for (const { times } of cpus()) {
    all += times.user + times.nice + times.sys + times.idle + times.irq;
    idle += times.idle;
  }
  return { all, idle };
}
