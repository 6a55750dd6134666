import type { ServerResponse } from 'node:http';
import type { Clock } from '../common/clock.ts';
import type { ApiConfig } from './config.ts';
import type { Feed } from './feed.ts';
import type { Caller } from './keys.ts';
import { decodePositions } from './position.ts';
import type { Position } from './position.ts';
import { badParameters, unavailable } from './problem.ts';
import { createStreamClient } from './stream-client.ts';
import type { StreamClient } from './stream-client.ts';
import { createFilter } from './stream-filter.ts';
import type { TransactionFilter } from './stream-filter.ts';

/** The clients of `GET /v1/stream`. */
export interface Streams {
  /**
   * Answers with a stream; resolves when it has begun. Throws a 503 when there are too many, a 400 for an id that is none of ours, and a
   * RetriableError while Redis is away.
   */
  open(
    response: ServerResponse,
    headers: Readonly<Record<string, string>>,
    caller: Caller,
    filter: TransactionFilter,
    lastEventId: string | undefined,
  ): Promise<void>;
  /** Ends every stream, with an event that says so; nothing is opened after it. */
  stop(): Promise<void>;
}

export interface StreamsDeps {
  feed: Feed;
  config: Pick<ApiConfig, 'streams_max' | 'stream_buffer_bytes_max' | 'stream_stall_max'>;
  partitions: number;
  clock: Clock;
  onCut: () => void;
}

export const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // nginx holds answers back otherwise.
  'X-Accel-Buffering': 'no',
} as const;

export function createStreams({ feed, config, partitions, clock, onCut }: StreamsDeps): Streams {
  const open = new Set<StreamClient>();
  let stopping = false;
  return {
    open: async (response, headers, caller, filter, lastEventId) => {
      if (stopping) throw unavailable('the API is stopping');
      if (open.size >= config.streams_max)
        throw unavailable(`${config.streams_max} streams are open already`);
      const last = lastEventId === undefined ? undefined : positionsIn(lastEventId);
      const client = createStreamClient({
        response,
        headers: { ...headers, ...STREAM_HEADERS },
        wants: createFilter(caller, filter),
        bufferBytesMax: config.stream_buffer_bytes_max,
        stallMsMax: config.stream_stall_max,
        clock,
        onCut,
      });
      open.add(client);
      client.gone.addEventListener('abort', () => open.delete(client), { once: true });
      try {
        await feed.join(client, last === undefined ? undefined : fitted(last, partitions));
      } catch (error) {
        open.delete(client);
        throw error;
      }
      if (last !== undefined && last.length !== partitions) {
        client.gap(
          0,
          { entries: null, reason: partitionsChanged(last.length, partitions) },
          client.position(0),
        );
      }
    },
    stop: async () => {
      stopping = true;
      for (const client of open) client.end('end', 'the API is stopping; come back with the last id');
    },
  };
}

function positionsIn(lastEventId: string): Position[] {
  const positions = decodePositions(lastEventId);
  if (positions !== undefined) return positions;
  throw badParameters([{ parameter: 'Last-Event-ID', reason: 'is no id of an event of this stream' }]);
}

/**
 * When the number of partitions was changed, those that were there before go on as they did, what is new is read from its beginning, and of what is
 * gone nobody can say whether it was read to its end.
 */
function fitted(positions: readonly Position[], partitions: number): Position[] {
  return Array.from(
    { length: partitions },
    (_, partition) => positions[partition] ?? { id: '0-0', ordinal: 0, rows: 0 },
  );
}

function partitionsChanged(before: number, now: number): string {
  return `the number of partitions was changed from ${before} to ${now}`;
}
