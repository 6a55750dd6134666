import type { Logger } from '../logger.ts';
import { backoffMs } from '../retry.ts';

/** Something that is not ours in the place of a claimed partition's data: told once, until it is over. */
export interface Trouble {
  /** Returns how long to wait before looking again, in ms. */
  begin(words: string): number;
  over(): void;
  /** The claim has ended: whoever is next will see for himself. */
  leave(): void;
}

export interface TroubleDeps {
  group: string;
  logger: Logger;
  /** Called with what is wrong, in words, and with undefined once it is over. */
  onTrouble?: ((partition: number, words: string | undefined) => void) | undefined;
}

/** Somebody has to look before it is over; the pauses only bound how late we notice that it is. */
const RETRY = { delayMsMin: 500, delayMsMax: 10_000 };

export function createTrouble({ group, logger, onTrouble }: TroubleDeps, partition: number): Trouble {
  let attempts = 0;
  return {
    begin: (words) => {
      if (attempts === 0) {
        logger.error(
          { group, partition, error: words },
          'work on a partition has stopped: somebody has to look',
        );
      }
      attempts += 1;
      onTrouble?.(partition, words);
      return backoffMs(attempts, RETRY, Math.random());
    },
    over: () => {
      if (attempts === 0) return;
      attempts = 0;
      onTrouble?.(partition, undefined);
      logger.info({ group, partition }, 'work on a partition goes on');
    },
    leave: () => {
      if (attempts > 0) onTrouble?.(partition, undefined);
    },
  };
}

/** The partitions of a process that are in trouble, for /readyz and a gauge. */
export interface StoppedPartitions {
  /** What ClaimsDeps.onTrouble tells. */
  set: (partition: number, words: string | undefined) => void;
  /** In words, naming each; undefined while there are none. */
  words(): string | undefined;
}

/** @param onCount called with how many there are, whenever that may have changed. */
export function createStoppedPartitions(onCount: (count: number) => void): StoppedPartitions {
  const stopped = new Map<number, string>();
  return {
    set: (partition, words) => {
      if (words === undefined) stopped.delete(partition);
      else stopped.set(partition, words);
      onCount(stopped.size);
    },
    words: () =>
      stopped.size === 0
        ? undefined
        : [...stopped].map(([partition, words]) => `partition ${partition}: ${words}`).join('; '),
  };
}
