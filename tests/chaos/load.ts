import { appendFile, stat } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../common/testing/until.ts';
import type { Ground } from './ground.ts';

const TICK_MS = 100;
/** Now and then nothing comes for a moment and then more at once: readers also see their stream empty. */
const LULL_EVERY_MS = 4_000;
const LULL_MS = 700;
/** How long one body may be refused before the run gives up. */
const SEND_MS_MAX = 60_000;

/**
 * Sends the lines at a rate that is steady but for short lulls, one half of each tick's appended to the file that the collector follows, the other by HTTP.
 * Resolves when all are sent, or when `signal` aborts.
 */
export async function sendAtRate(
  ground: Ground,
  lines: readonly string[],
  perSecond: number,
  signal: AbortSignal,
): Promise<void> {
  const started = performance.now();
  for (let sent = 0; sent < lines.length && !signal.aborted;) {
    const elapsedMs = performance.now() - started;
    const isLull = elapsedMs % LULL_EVERY_MS > LULL_EVERY_MS - LULL_MS;
    const batch = lines.slice(sent, isLull ? sent : Math.ceil((elapsedMs / 1000) * perSecond));
    const half = batch.length >> 1;
    await Promise.all([
      appendFile(ground.inboxFile, asBody(batch.slice(0, half))),
      post(ground.httpUrl, batch.slice(half)),
    ]);
    sent += batch.length;
    await delay(TICK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Sends lines by HTTP until they are taken: event ids make a repetition harmless. */
export async function post(url: string, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await until(
    'the collector takes a body',
    async () => {
      const headers = { 'content-type': 'application/x-ndjson' };
      const response = await fetch(url, { method: 'POST', headers, body: asBody(lines) });
      const text = await response.text();
      if (response.status === 503) return false;
      const { accepted } = JSON.parse(text) as { accepted?: number };
      if (response.status !== 200 || accepted !== lines.length) {
        throw new Error(`the collector answered ${response.status}: ${text}`);
      }
      return true;
    },
    SEND_MS_MAX,
  );
}

function asBody(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** Whether the collector has appended all that the file holds. */
export async function isFileCollected({ streams, inboxFile }: Ground): Promise<boolean> {
  const { size } = await stat(inboxFile);
  const marks = await streams.redis.hvals('tranweave:low-water:files');
  return marks.some((mark) => Number(mark) === size);
}
