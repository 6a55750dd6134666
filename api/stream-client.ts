import type { ServerResponse } from 'node:http';
import type { Clock } from '../common/clock.ts';
import type { Summary } from '../common/summary.ts';
import type { FeedClient } from './feed-client.ts';
import { BEGINNING, encodePositions } from './position.ts';
import type { Position } from './position.ts';
import type { FeedEntry } from './read-summaries.ts';

/**
 * One client of `GET /v1/stream`: what it is given as server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html
 *
 * Its positions move with every row that it was given or that its filter left out, and every event's id says where to go on. What waits for it is
 * bounded: beyond that it is given nothing until it has taken all, and one that does not within a while is cut off.
 */
export interface StreamClient extends FeedClient {
  /** Tells that it ends and why, then ends it, within a bound. Safe twice. */
  end(event: 'cut' | 'end', reason: string): void;
}

export interface StreamClientOptions {
  response: ServerResponse;
  headers: Readonly<Record<string, string>>;
  wants: (summary: Summary) => boolean;
  /** What may wait for it before it is given no more. */
  bufferBytesMax: number;
  /** How long it may take for that. */
  stallMsMax: number;
  clock: Clock;
  /** Called when it is cut off for being slow. */
  onCut: () => void;
}

/** How often a comment is sent, with the position: more often than proxies lose patience. */
const KEEP_ALIVE_MS = 15_000;
/** What `EventSource` waits before it comes back. */
const RECONNECT_MS = 3_000;
/** How long a client may take for its last event. */
const LAST_WORDS_MS_MAX = 5_000;
/** Says nothing. */
const COMMENT = ':\n\n';

export function createStreamClient(options: StreamClientOptions): StreamClient {
  const { response, wants, bufferBytesMax, stallMsMax, clock } = options;
  const leaving = new AbortController();
  const closed = new AbortController();
  const gone = leaving.signal;
  let positions: Position[] = [];

  response.once('close', () => [leaving, closed].forEach((ending) => ending.abort()));

  const id = () => encodePositions(positions);
  const hasRoom = () => response.writableLength < bufferBytesMax;

  function send(text: string): void {
    if (!gone.aborted) response.write(text);
  }

  function end(name: 'cut' | 'end', reason: string): void {
    if (gone.aborted) return;
    response.end(eventText(name, id(), JSON.stringify({ reason })));
    // Whoever gives is told at once, also while the last words are on their way.
    leaving.abort();
    void clock.sleep(LAST_WORDS_MS_MAX, closed.signal).then(() => response.destroy());
  }

  async function watch(): Promise<void> {
    while (!gone.aborted) {
      await clock.sleep(KEEP_ALIVE_MS, gone);
      if (hasRoom()) send(`: keep-alive\nid: ${id()}\n\n`);
    }
  }

  async function roomy(): Promise<void> {
    if (gone.aborted || hasRoom()) return;
    if ((await takesAll(response, gone, stallMsMax, clock)) || gone.aborted) return;
    options.onCut();
    end('cut', `what waited for you (${bufferBytesMax} bytes) was not taken in ${stallMsMax} ms`);
  }

  function entry(partition: number, { id: entryId, ordinal, summaries }: FeedEntry): void {
    const before = positions[partition] ?? BEGINNING;
    for (let row = before.rows; row < summaries.length; row += 1) {
      const isLast = row + 1 === summaries.length;
      positions[partition] = isLast ? { id: entryId, ordinal, rows: 0 } : { ...before, rows: row + 1 };
      const found = summaries[row];
      if (found && wants(found.summary)) send(eventText('summary', id(), found.json));
    }
    // Also of one that has no rows.
    positions[partition] = { id: entryId, ordinal, rows: 0 };
  }

  return {
    gone,
    end,
    hasRoom,
    roomy,
    entry,
    begin: (from) => {
      positions = [...from];
      response.writeHead(200, options.headers);
      send(`retry: ${RECONNECT_MS}\nid: ${id()}\n\n`);
      void watch();
    },
    gap: (partition, { entries, reason }, behind) => {
      positions[partition] = behind;
      send(eventText('gap', id(), JSON.stringify({ partition, entries, reason })));
    },
    trouble: (words) => {
      const name = words === undefined ? 'recovered' : 'trouble';
      send(eventText(name, id(), JSON.stringify({ reason: words })));
    },
    position: (partition) => positions[partition] ?? BEGINNING,
  };
}

/** @param data on one line, as JSON is. */
function eventText(name: string, id: string, data: string): string {
  return `event: ${name}\nid: ${id}\ndata: ${data}\n\n`;
}

/**
 * Whether all that waits is taken within so many ms, and before the signal aborts. A comment behind it tells: 'drain' comes only where more waited
 * than Node's own bound, which may be above ours.
 */
async function takesAll(
  response: ServerResponse,
  gone: AbortSignal,
  msMax: number,
  clock: Clock,
): Promise<boolean> {
  const waiting = new AbortController();
  const giveUp = () => waiting.abort();
  gone.addEventListener('abort', giveUp, { once: true });
  const taken = new Promise<boolean>((resolve) => {
    response.write(COMMENT, (error) => resolve(!error));
  });
  const isTooLate = clock.sleep(msMax, waiting.signal).then(() => false);
  try {
    return await Promise.race([taken, isTooLate]);
  } finally {
    giveUp();
    gone.removeEventListener('abort', giveUp);
  }
}
