import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as v from 'valibot';
import { systemClock } from '../../common/clock.ts';
import type { Clock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import type { StreamKind } from '../../common/redis/keys.ts';
import { createSink, sinkSchema } from '../registry.ts';
import type { SinkConfig } from '../registry.ts';
import type { Lane, Sink } from '../sink.ts';
import { FOLDER_OF } from './files.ts';

/** A folder of a test's own, and sinks on it. */
export interface NdjsonFixture extends AsyncDisposable {
  dir: string;
  config: SinkConfig;
  makeSink(settings?: object, clock?: Clock): Sink;
  /** Paths of what was handed over, sorted. */
  files(stream: StreamKind): Promise<string[]>;
  /** Rows of the files that were handed over. */
  rows<T>(stream: StreamKind): Promise<T[]>;
}

export const aLane = (fence: number, stream: StreamKind = 'log', partition = 0): Lane => ({
  stream,
  partition,
  fence,
});

export async function openFolder(settings: object = {}): Promise<NdjsonFixture> {
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-files-'));
  const config = (more: object = {}) =>
    v.parse(sinkSchema, { type: 'ndjson', name: 'store', dir, ...settings, ...more });
  const files = (stream: StreamKind) => filesOf(dir, stream);
  return {
    dir,
    config: config(),
    makeSink: (more, clock = systemClock) =>
      createSink(config(more), { name: 'store', clock, logger: silentLogger() }),
    files,
    rows: async <T>(stream: StreamKind) => {
      const texts = await Promise.all((await files(stream)).map(textOf));
      return texts.flatMap((text) => rowsOf<T>(text));
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

export async function filesOf(dir: string, stream: StreamKind): Promise<string[]> {
  const folder = join(dir, FOLDER_OF[stream]);
  return (await readdir(folder)).sort().map((name) => join(folder, name));
}

export async function textOf(file: string): Promise<string> {
  const bytes = await readFile(file);
  return String(file.endsWith('.gz') ? gunzipSync(bytes) : bytes);
}

export function rowsOf<T>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

/**
 * For contract.test.ts. Who asks how many rows there are takes the place of whoever wrote them, as another process would: what is committed
 * is handed over then.
 */
export async function openNdjsonStore() {
  const fixture = await openFolder();
  const { dir } = fixture;
  return {
    config: fixture.config,
    count: async (stream: StreamKind, fence: number) => {
      const taker = fixture.makeSink();
      await taker.open(new AbortController().signal);
      taker.settled?.(aLane(fence, stream));
      await taker.close();
      return (await fixture.rows(stream)).length;
    },
    setAway: (away: boolean) => rename(away ? dir : `${dir}.away`, away ? `${dir}.away` : dir),
    stop: async () => fixture[Symbol.asyncDispose](),
  };
}
