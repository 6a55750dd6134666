import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * One kept connection to an HTTP server, for requests that are made beforehand: as little work a request as there can be, since a sender that is busy
 * takes CPU from what is measured. It reads answers with a Content-Length only.
 */
export interface Connection {
  /** False once it has ended: servers close connections that have been idle for long. */
  isOpen(): boolean;
  /** Sends one request and resolves with the status of its answer; one at a time. Throws when the connection ends or an answer takes too long. */
  send(request: Buffer): Promise<number>;
  close(): void;
}

const ANSWER_MS_MAX = 60_000;

export async function openConnection(url: URL): Promise<Connection> {
  const socket = connect(Number(url.port), url.hostname);
  await once(socket, 'connect');
  socket.setNoDelay(true);
  socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error(`no answer within ${ANSWER_MS_MAX} ms`)));
  let waiting: { resolve(status: number): void; reject(error: Error): void } | undefined;
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    try {
      const status = statusOf(received);
      if (status === undefined) return;
      received = '';
      waiting?.resolve(status);
    } catch (error) {
      socket.destroy(error as Error);
    }
  });
  socket.on('error', (error) => waiting?.reject(error));
  socket.on('close', () => waiting?.reject(new Error('the server closed the connection')));
  return {
    isOpen: () => socket.writable,
    send: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

/** The status of an answer, or undefined while it is not whole. Throws for what this reader does not know. */
export function statusOf(received: string): number | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = received.slice(0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without a Content-Length: ${head}`);
  if (received.length < headEnd + 4 + Number(length)) return undefined;
  return Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length));
}

/** The bytes of a POST of these lines: one as a JSON object, several as NDJSON. */
export function postOf(url: URL, lines: readonly string[]): Buffer {
  const [type, text] =
    lines.length === 1
      ? ['application/json', lines[0] ?? '']
      : ['application/x-ndjson', `${lines.join('\n')}\n`];
  const body = Buffer.from(text);
  const head =
    `POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\n` +
    `content-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}
