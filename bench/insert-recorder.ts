import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createWallClock } from './wall-clock.ts';

/** Stands between the sinks and ClickHouse, passes everything on, and remembers which rows were inserted and when ClickHouse said that they were. */
export interface InsertRecorder {
  url: string;
  inserts: Insert[];
  stop(): Promise<void>;
}

export interface Insert {
  table: string;
  /** When the answer had come, ms since 1970: from a moment before on, any SELECT finds the rows. */
  at: number;
  /** The rows, one JSON text a line. */
  chunks: Buffer[];
}

/** @param target ClickHouse's address. @param onInsert called at each insert's answer. */
export async function startInsertRecorder(
  target: string,
  onInsert: (insert: Insert) => void,
): Promise<InsertRecorder> {
  const { hostname, port } = new URL(target);
  const now = createWallClock();
  const agent = new Agent({ keepAlive: true });
  const inserts: Insert[] = [];
  const server = createServer((incoming, response) => {
    const { url: path, method, headers } = incoming;
    const table = tableOf(path ?? '/');
    const chunks: Buffer[] = [];
    if (table !== undefined) incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    const passed = request({ hostname, port, path, method, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('end', () => {
        if (table === undefined || answer.statusCode !== 200) return;
        const insert = { table, at: now(), chunks };
        inserts.push(insert);
        onInsert(insert);
      });
    });
    passed.on('error', () => response.destroy());
    incoming.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    inserts,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      agent.destroy();
    },
  };
}

/** The table that rows are inserted into, if they are. */
function tableOf(path: string): string | undefined {
  const query = new URL(path, 'http://localhost').searchParams.get('query') ?? '';
  return /^INSERT INTO \S+\.(\w+)\b/.exec(query)?.[1];
}

/** The rows' lines. */
export function linesOf({ chunks }: Insert): string[] {
  return Buffer.concat(chunks)
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}
