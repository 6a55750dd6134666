import { until } from '../../common/testing/until.ts';

/** A client of `GET /v1/stream`, reading as EventSource does. */
export interface EventStream extends AsyncDisposable {
  status: number;
  headers: Headers;
  /** What came so far. */
  events: StreamEvent[];
  /** The id to come back with; '' before the first. */
  lastId(): string;
  /** Waits for so many events of this name and returns them. */
  named(name: string, count: number): Promise<StreamEvent[]>;
  /** Resolves when the stream has ended. */
  ended: Promise<void>;
}

export interface StreamEvent {
  event: string;
  id: string;
  data: Record<string, unknown>;
}

export async function openEventStream(
  url: string,
  headers: Record<string, string> = {},
): Promise<EventStream> {
  const leaving = new AbortController();
  const response = await fetch(url, { headers, signal: leaving.signal });
  const events: StreamEvent[] = [];
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  let lastId = '';
  const read = async () => {
    let text = '';
    for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = new Map(block.split('\n').map((line) => fieldOf(line)));
        lastId = fields.get('id') ?? lastId;
        const data = fields.get('data');
        if (data === undefined) continue;
        events.push({
          event: fields.get('event') ?? 'message',
          id: lastId,
          data: JSON.parse(data) as StreamEvent['data'],
        });
      }
    }
  };
  // A stream ends when one of both ends it.
  const ended = isStream ? read().catch(() => undefined) : Promise.resolve();
  const close = async () => {
    leaving.abort();
    await ended;
  };
  if (isStream) await until('the stream has begun', () => lastId !== '');
  return {
    status: response.status,
    headers: response.headers,
    events,
    lastId: () => lastId,
    named: async (name, count) => {
      const found = () => events.filter(({ event }) => event === name);
      await until(`${count} events of ${name}`, () => found().length >= count);
      return found();
    },
    ended,
    [Symbol.asyncDispose]: close,
  };
}

/** `name: value`, one space behind the colon being none of it. */
function fieldOf(line: string): [string, string] {
  const at = line.indexOf(':');
  return [line.slice(0, at), line.slice(at + 1).replace(/^ /, '')];
}
