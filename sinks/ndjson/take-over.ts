import { copyFile, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FencedError, RetriableError } from '../../common/errors.ts';
import { codeOf } from './failure.ts';
import { dataName, JOURNAL, lineOf, makeFolder, readJournal, syncFolder, writeJournal } from './segment.ts';
import type { SegmentState } from './segment.ts';

/**
 * Who writes a lane's file. A lane has a folder, and in it each owner one of its own, named by its fence, which only grows:
 *
 *   17/        the owner's: nobody else ever writes in it
 *   18.from/   what the next owner takes over, renamed away from under the former one
 *   18.new/    its copy, while it is being made
 *   18.done/   what it took over, when the copy is made
 *
 * Taking over: rename 17 to 18.from, copy what is there of it to 18.new, rename that to 18, rename 18.from to 18.done, remove it. Whoever is
 * killed in between leaves it to the next, who starts from 18.from, or from 18 once it is there. Whoever is overtaken in between notices:
 * 18.from has one name, and of two who rename it one is told that it is gone.
 *
 * Why a copy: the former owner may only sleep, with its file open, and write a batch when it wakes. It then writes into a file that is not
 * read any more. It cannot hand its file over either, since that is a rename from a folder that is not there any more. And whatever it had
 * handed over before was committed before (Sink.settled), so nobody writes it again.
 */
const TRIES_MAX = 10;

const NAME = /^(\d{1,16})(\.from|\.new|\.done)?$/;

interface Entry {
  name: string;
  fence: number;
  kind: 'own' | 'from' | 'new' | 'done';
}

/** What others left behind that is not read any more, with data in it; the caller tells of it. */
export interface TakenOver {
  folder: string;
  /** What is there of the former owner's file; undefined if nothing ever was. */
  state: SegmentState | undefined;
  leftBehind: readonly string[];
}

/**
 * Makes the lane's file this owner's. May be called again after it failed. Throws a FencedError when a later owner has taken over.
 *
 * @param laneFolder its parent must be there.
 */
export async function takeOver(laneFolder: string, fence: number): Promise<TakenOver> {
  await makeFolder(laneFolder);
  const folder = join(laneFolder, String(fence));
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const entries = await entriesOf(laneFolder);
    const newest = newestOf(entries);
    if (newest > fence) throw overtaken(laneFolder);
    const has = (kind: Entry['kind']) =>
      entries.some((entry) => entry.fence === newest && entry.kind === kind);
    const from = join(laneFolder, `${fence}.from`);
    if (newest === 0) {
      await makeFolder(folder);
    } else if (newest < fence) {
      // Its own if it is there: what it was made of may be left beside it.
      const source = join(laneFolder, has('own') ? String(newest) : `${newest}.from`);
      if (!(await renamed(source, from))) continue;
      await copyOver(laneFolder, from, fence);
      await finish(laneFolder, from, fence);
    } else if (has('from')) {
      if (!has('own')) await copyOver(laneFolder, from, fence);
      await finish(laneFolder, from, fence);
    }
    await syncFolder(laneFolder);
    const leftBehind = await clearAway(laneFolder, fence);
    return { folder, state: await stateOf(folder), leftBehind };
  }
  throw new RetriableError(`${laneFolder} is being taken over by others`);
}

function overtaken(laneFolder: string): FencedError {
  return new FencedError(`another process writes ${laneFolder} now`);
}

function newestOf(entries: readonly Entry[]): number {
  const owned = entries.filter(({ kind }) => kind === 'own' || kind === 'from');
  return Math.max(0, ...owned.map((entry) => entry.fence));
}

async function entriesOf(laneFolder: string): Promise<Entry[]> {
  return (await readdir(laneFolder)).flatMap((name) => {
    const [, fence, suffix = '.own'] = NAME.exec(name) ?? [];
    return fence === undefined
      ? []
      : [{ name, fence: Number(fence), kind: suffix.slice(1) as Entry['kind'] }];
  });
}

/** False if it was not there any more. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

async function copyOver(laneFolder: string, from: string, fence: number): Promise<void> {
  const part = join(laneFolder, `${fence}.new`);
  await rm(part, { recursive: true, force: true });
  await makeFolder(part);
  const states = await readJournal(from);
  const last = states.at(-1);
  if (last !== undefined) {
    const size = await copyData(from, part, last);
    const state = thereOf(states, size);
    if (state.end > 0) await truncateTo(join(part, dataName(state.gzip)), state.end);
    await (await writeJournal(part, lineOf(state))).close();
  }
  await syncFolder(part);
  await rename(part, join(laneFolder, String(fence)));
}

/** From now on what was copied can be taken from nobody else. Throws if it was taken from us. */
async function finish(laneFolder: string, from: string, fence: number): Promise<void> {
  const done = join(laneFolder, `${fence}.done`);
  if (await renamed(from, done)) return rm(done, { recursive: true, force: true });
  await rm(join(laneFolder, String(fence)), { recursive: true, force: true });
  throw overtaken(laneFolder);
}

/** How large the copy is; 0 if there is nothing to copy, since it was handed over. */
async function copyData(from: string, to: string, { gzip }: SegmentState): Promise<number> {
  const file = join(to, dataName(gzip));
  try {
    await copyFile(join(from, dataName(gzip)), file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0;
    throw error;
  }
  return (await stat(file)).size;
}

async function truncateTo(file: string, end: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.truncate(end);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The last batch of which all is there: a former owner that is not dead yet may be cutting off what it could not write. */
function thereOf(states: readonly SegmentState[], size: number): SegmentState {
  const last = states.at(-1) as SegmentState;
  // Handed over: what it was is not needed any more, but what came last is.
  if (size === 0) return { ...last, end: 0 };
  return states.findLast(({ end }) => end <= size) ?? { ...last, token: undefined, end: 0 };
}

/** What is there in a folder; undefined if nothing ever was. */
async function stateOf(folder: string): Promise<SegmentState | undefined> {
  const states = await readJournal(folder);
  const last = states.at(-1);
  if (last === undefined) return undefined;
  return thereOf(states, await sizeOf(join(folder, dataName(last.gzip))));
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

/**
 * Removes what earlier owners left. What has data and was not what this owner took over can only come from one that woke up late: a copy of
 * what is there, or what was never committed. It is named all the same, and kept.
 */
async function clearAway(laneFolder: string, fence: number): Promise<string[]> {
  const entries = await entriesOf(laneFolder);
  // Two that found nothing to take over may have come at once.
  if (newestOf(entries) > fence) throw overtaken(laneFolder);
  const leftBehind: string[] = [];
  for (const { name, fence: of, kind } of entries) {
    if (of > fence || (of === fence && kind === 'own')) continue;
    const folder = join(laneFolder, name);
    if (kind === 'own' && (await hasData(folder))) {
      const kept = join(laneFolder, `left-behind-${name}`);
      if (await renamed(folder, kept)) leftBehind.push(kept);
    } else {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return leftBehind;
}

async function hasData(folder: string): Promise<boolean> {
  try {
    const names = await readdir(folder);
    return names.some((name) => name !== JOURNAL && name !== `${JOURNAL}.new`);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
