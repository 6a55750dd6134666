import { FencedError } from '../../common/errors.ts';
import type { Lane } from '../sink.ts';
import type { LaneFile } from './lane-file.ts';
import { createTurns } from './turns.ts';
import type { Turns } from './turns.ts';

/** A lane's file, and whose turn it is to use it. */
export interface KeptLane {
  file: LaneFile;
  turns: Turns;
}

/** The lanes that a process carries, or carried a while ago. */
export interface Lanes {
  /** The lane's file under this claim; a newer claim's takes the place of an older one's. Throws a FencedError for an older one. */
  of(lane: Lane): KeptLane;
  /** Hands over what is committed. Lanes that other processes have taken over are let go. Never rejects. */
  roll(when: 'due' | 'always'): Promise<void>;
  close(): Promise<void>;
}

export interface LanesDeps {
  makeFile: (lane: Lane) => LaneFile;
  /** Called with what failed while nobody waited for it. */
  onFailure: (error: unknown) => void;
}

/** A lane's name, in the process and on the disk. */
export const laneName = ({ stream, partition }: Lane) => `${stream}-${partition}`;

export function createLanes({ makeFile, onFailure }: LanesDeps): Lanes {
  const lanes = new Map<string, KeptLane>();

  async function leave({ file, turns }: KeptLane): Promise<void> {
    await turns.run(() => file.close()).catch(onFailure);
  }

  async function rollOne(kept: KeptLane, when: 'due' | 'always'): Promise<void> {
    try {
      await kept.turns.run(() => kept.file.roll(when));
    } catch (error) {
      if (!(error instanceof FencedError)) return onFailure(error);
      // Another process has the lane now, and with it what we left.
      const name = laneName(kept.file.lane);
      if (lanes.get(name) === kept) lanes.delete(name);
      await leave(kept);
    }
  }

  return {
    of: (lane) => {
      const name = laneName(lane);
      const known = lanes.get(name);
      if (known?.file.lane.fence === lane.fence) return known;
      if (known !== undefined && known.file.lane.fence > lane.fence)
        throw new FencedError(`this process holds ${name} under a newer claim`);
      if (known !== undefined) void leave(known);
      const { stream, partition, fence } = lane;
      const kept = { file: makeFile({ stream, partition, fence }), turns: createTurns() };
      lanes.set(name, kept);
      return kept;
    },
    roll: async (when) => {
      await Promise.all([...lanes.values()].map((kept) => rollOne(kept, when)));
    },
    close: async () => {
      await Promise.all([...lanes.values()].map(leave));
      lanes.clear();
    },
  };
}
