import { randomUUID } from 'node:crypto';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, FatalError, RetriableError } from '../../common/errors.ts';
import { STREAM_KINDS } from '../../common/redis/keys.ts';
import type { StreamKind } from '../../common/redis/keys.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import type { Lane, RefusedRow, Sink, SinkBatch, SinkDeps } from '../sink.ts';
import type { NdjsonSinkConfig } from './config.ts';
import { encodeBatch } from './encode.ts';
import { codeOf, meaningOf } from './failure.ts';
import { createLaneFile } from './lane-file.ts';
import type { LaneFile } from './lane-file.ts';
import { createLanes, laneName } from './lanes.ts';
import { removeOld } from './retention.ts';
import { makeFolder } from './segment.ts';

/** Names as those of the tables. */
export const FOLDER_OF: Readonly<Record<StreamKind, string>> = {
  log: 'tracking_log',
  summary: 'transaction_summary',
  dead_letter: 'dead_letter',
};
/** What grows is in here, so that readers see whole files only. */
const OPEN = '.open';

/** How often files are looked at: so much later than its hour ends, or than it is full, an idle one is handed over. */
const LOOK_MS = 5_000;
/** A disk that is silent for longer counts as away. A loop of a sinks process that is silent for two minutes counts as stuck. */
const DISK_MS_MAX = 60_000;

export function createNdjsonSink(config: NdjsonSinkConfig, deps: SinkDeps): Sink {
  const { clock } = deps;
  const { dir } = config;
  const openFolder = join(dir, OPEN, deps.name);
  const stopping = new AbortController();
  let looking: Promise<void> | undefined;
  const hour = () => timestampFromMillis(clock.now()).slice(0, '2026-01-31T09'.length);
  const lanes = createLanes({
    makeFile: (lane) => makeLaneFile(config, deps, lane, join(openFolder, laneName(lane)), hour),
    onFailure: tell,
  });

  async function write(batch: SinkBatch, signal: AbortSignal): Promise<RefusedRow[]> {
    if (signal.aborted) throw new RetriableError('given up: the process is about to end');
    const { file, turns } = lanes.of(batch);
    const { bytes, refused } = await encodeBatch(batch, config.gzip);
    if (bytes.length > 0) {
      await turns.runBounded(() => file.store(batch.token, bytes), { signal, msMax: DISK_MS_MAX });
    }
    return refused;
  }

  /** Hands over what is due, and removes what has been kept long enough, until the sink is closed. */
  async function look(): Promise<void> {
    let cleanedIn = '';
    while (!stopping.signal.aborted) {
      await clock.sleep(LOOK_MS, stopping.signal);
      await lanes.roll('due');
      if (config.keep === undefined || cleanedIn === hour()) continue;
      cleanedIn = hour();
      const before = clock.now() - config.keep;
      await Promise.all(
        STREAM_KINDS.map((stream) => removeOld(join(dir, FOLDER_OF[stream]), before).catch(tell)),
      );
    }
  }

  /** What cannot be done now is done at the next look, or fails with the next batch: then the worker hears of it. */
  function tell(reason: unknown): void {
    const error = meaningOf(reason, dir);
    if (!(error instanceof RetriableError || error instanceof FatalError)) throw error;
    deps.logger.warn({ error: describeError(error) }, 'files cannot be handed over or removed yet');
  }

  return {
    streams: STREAM_KINDS,
    open: async () => {
      await openDir(dir, openFolder);
      looking ??= look();
    },
    write: async (batch, signal) => {
      try {
        return { refused: await write(batch, signal) };
      } catch (error) {
        throw meaningOf(error, dir);
      }
    },
    settled: (lane) => lanes.of(lane).file.settle(),
    close: async () => {
      stopping.abort();
      await looking;
      // Whoever takes over would hand it over as well, but it may be a while until there is somebody.
      await lanes.roll('always');
      await lanes.close();
    },
  };
}

function makeLaneFile(
  { dir, gzip, roll_bytes: rollBytes }: NdjsonSinkConfig,
  { logger }: SinkDeps,
  lane: Lane,
  folder: string,
  hour: () => string,
): LaneFile {
  return createLaneFile({
    lane,
    folder,
    targetFolder: join(dir, FOLDER_OF[lane.stream]),
    name: FOLDER_OF[lane.stream],
    gzip,
    rollBytes,
    hour,
    onLeftBehind: (left) =>
      logger.warn(
        { folder: left },
        'a process that was thought dead wrote this late; all that was committed is elsewhere',
      ),
  });
}

/** Throws a FatalError in words when files cannot be written there. */
async function openDir(dir: string, openFolder: string): Promise<void> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(dir)).isDirectory();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw meaningOf(error, dir);
    throw new FatalError(`there is no folder ${dir} (dir); make it, or mount what it is to be`, {
      cause: error,
    });
  }
  if (!isFolder) throw new FatalError(`${dir} (dir) is not a folder`);
  const probe = join(openFolder, `probe-${randomUUID()}`);
  try {
    for (const folder of [
      ...Object.values(FOLDER_OF).map((name) => join(dir, name)),
      join(dir, OPEN),
      openFolder,
    ])
      await makeFolder(folder);
    await writeFile(probe, '', { flush: true });
    await rm(probe);
  } catch (error) {
    throw meaningOf(error, dir);
  }
}
