import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { FencedError } from '../../common/errors.ts';
import type { Lane } from '../sink.ts';
import { codeOf } from './failure.ts';
import { makeFolder, moveData, openSegment, syncFolder } from './segment.ts';
import type { Segment, SegmentState } from './segment.ts';
import { takeOver } from './take-over.ts';

/**
 * The file of one lane under one claim. Its life:
 *
 *   new ──(first use)──▶ ours, with or without data ──(a batch)──▶ data ──(due, and all of it committed)──▶ handed over, no data
 *   ours ──(its folder was taken away)──▶ lost: a FencedError, for ever
 *
 * Data is handed over only when all of it is committed (Sink.settled): what nobody will write again. Every method is called after the one
 * before has ended.
 */
export interface LaneFile {
  readonly lane: Lane;
  /** Everything that was written so far is committed. */
  settle(): void;
  /** Stores a batch for good, unless it is the last that is there. */
  store(token: string, bytes: Buffer): Promise<void>;
  /** Hands over what is committed, if it is time, or in any case. */
  roll(when: 'due' | 'always'): Promise<void>;
  close(): Promise<void>;
}

export interface LaneFileDeps {
  lane: Lane;
  /** Of this lane; its parent is there. */
  folder: string;
  /** Where readers look. */
  targetFolder: string;
  /** First part of a file's name. */
  name: string;
  gzip: boolean;
  rollBytes: number;
  /** The hour now, `2026-01-31T09`. */
  hour: () => string;
  onLeftBehind: (folder: string) => void;
}

export function createLaneFile(deps: LaneFileDeps): LaneFile {
  const { lane, gzip } = deps;
  let ours: { folder: string; state: SegmentState | undefined } | undefined;
  let segment: Segment | undefined;
  let settled = false;
  const handedOver = { files: 0 };
  /** The data of the segment is where readers look already, but whether for good is not known. */
  let isMoved = false;

  async function take(): Promise<{ folder: string; state: SegmentState | undefined }> {
    if (ours !== undefined) return ours;
    const { folder, state, leftBehind } = await takeOver(deps.folder, lane.fence);
    leftBehind.forEach(deps.onLeftBehind);
    // Before it is ours: data that cannot be opened now must not look like data that is not there.
    if (state !== undefined && state.end > 0) segment = await openSegment(folder, state);
    ours = { folder, state };
    return ours;
  }

  const isDue = ({ state }: Segment) =>
    isMoved || state.end >= deps.rollBytes || state.hour !== deps.hour() || state.gzip !== gzip;

  async function hand(of: Segment): Promise<void> {
    const { folder } = await take();
    await makeFolder(deps.targetFolder);
    if (!isMoved) {
      await of.seal();
      await moveData(folder, of.state, await freeTarget(deps, of.state, handedOver));
      isMoved = true;
    }
    await syncFolder(deps.targetFolder);
    await syncFolder(folder);
    isMoved = false;
    segment = undefined;
    ours = { folder, state: { ...of.state, end: 0 } };
    await of.close();
  }

  /** Our folder was taken over if it is gone, and the one around it is there. */
  async function orFenced<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || (await exists(join(deps.folder, String(lane.fence))))) throw error;
      if (!(await exists(deps.folder))) throw error;
      throw new FencedError(`the file of ${deps.folder} was taken over`, { cause: error });
    }
  }

  return {
    lane,
    settle: () => {
      settled = true;
    },
    store: (token, bytes) =>
      orFenced(async () => {
        const { folder, state } = await take();
        if ((segment?.state ?? state)?.token === token) return;
        // Whoever writes another batch is done with the one before.
        if (segment !== undefined && segment.state.end > 0 && isDue(segment)) await hand(segment);
        settled = false;
        segment ??= await openSegment(folder, { token: ours?.state?.token, end: 0, hour: deps.hour(), gzip });
        await segment.append(token, bytes);
      }),
    roll: (when) =>
      orFenced(async () => {
        if (!settled) return;
        await take();
        if (segment === undefined || segment.state.end === 0) return;
        if (when === 'always' || isDue(segment)) await hand(segment);
      }),
    close: async () => {
      await segment?.close();
      segment = undefined;
    },
  };
}

/** No other process makes names with this fence, so what is free stays so. @param handedOver counts on. */
async function freeTarget(
  { lane, name, targetFolder }: LaneFileDeps,
  { hour, gzip }: SegmentState,
  handedOver: { files: number },
): Promise<string> {
  for (;;) {
    handedOver.files += 1;
    const parts = [name, hour, `p${lane.partition}`, lane.fence, handedOver.files].join('-');
    const target = join(targetFolder, `${parts}.ndjson${gzip ? '.gz' : ''}`);
    if (!(await exists(target))) return target;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
