import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createBodies } from './body.ts';
import { RequestError } from './request.ts';
import { send, StalledReaderError } from './send.ts';

test.each([false, true])('a reader that takes nothing is let go, gzipped: %s', async (compress) => {
  let returned = false;
  async function* endless() {
    try {
      // Not to be made smaller by gzip.
      for (;;) yield crypto.getRandomValues(new Uint8Array(65_536));
    } finally {
      returned = true;
    }
  }
  let ended: Promise<void> | undefined;
  const server = createServer((_, response) => {
    ended = send(response, endless(), compress, new AbortController().signal, 200);
    ended.catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'data');
  socket.pause();
  await expect(ended).rejects.toBeInstanceOf(StalledReaderError);
  expect(returned).toBe(true);
  socket.destroy();
  server.close();
});

test('bodies are bounded together, and given back when their work has ended', async () => {
  const bodies = createBodies(1_000_000);
  let end: () => void = () => undefined;
  const holding = new Promise<void>((resolve) => (end = resolve));
  const server = createServer((request, response) => {
    bodies
      .use(request, 1_000_000, async (body) => {
        if (request.url === '/hold') response.writeHead(200).write('x');
        if (request.url === '/hold') await holding;
        response.end(String(body.length));
      })
      .catch((error: unknown) => {
        request.resume();
        response.writeHead(500).end(error instanceof RequestError ? String(error.answer.code) : 'else');
      });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const post = (path: string, bytes: number) =>
    fetch(url + path, { method: 'POST', body: Buffer.alloc(bytes) });
  const held = await post('/hold', 600_000);
  expect(await (await post('/', 600_000)).text()).toBe('241');
  expect(await (await post('/', 300_000)).text()).toBe('300000');
  end();
  expect(await held.text()).toBe('x600000');
  expect(await (await post('/', 600_000)).text()).toBe('600000');
  expect(await (await post('/', 1_000_001)).text()).toBe('1001');
  server.closeAllConnections();
  server.close();
});
