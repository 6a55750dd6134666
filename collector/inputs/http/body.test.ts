import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { aLog, createFixture } from './fixture.ts';
import type { Fixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture();
});
beforeEach(() => fixture.redis.flushall());
afterEach(() => fixture.stopInputs());
afterAll(() => fixture.end());

const json = JSON.stringify;
const MiB = 1024 * 1024;

/** Sends pieces as they are over a connection of their own; what comes back until it is closed, or until `enough` is in it. */
async function raw(port: number, pieces: readonly (string | Buffer)[], enough = 'never'): Promise<string> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
    if (answer.includes(enough)) socket.destroy();
  });
  const closed = once(socket, 'close');
  for (const piece of pieces) {
    socket.write(piece);
    await delay(15);
  }
  await closed;
  return answer;
}

describe('Content-Encoding', () => {
  test.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['GZIP', gzipSync],
    ['identity', (body: Buffer) => body],
    ['gzip, deflate', (body: Buffer) => deflateSync(gzipSync(body))],
    ['br,gzip , identity, deflate', (body: Buffer) => deflateSync(gzipSync(brotliCompressSync(body)))],
  ])('%s is undone', async (encoding, encode) => {
    const { post, counter } = await fixture.start();
    const logs = Array.from({ length: 3000 }, (_, i) => aLog(`T${i}`, { node: `n${i}` }));
    const body = encode(Buffer.from(json(logs)));
    expect(await post(body, { 'content-encoding': encoding })).toMatchObject({
      status: 200,
      body: { accepted: 3000 },
    });
    expect(await counter('tranweave_collector_bytes_total')).toBe(body.length);
  });

  test.each(['zstd', 'gzip, compress', 'gzip,gzip,gzip,gzip,gzip', 'constructor'])(
    '%s is answered 415',
    async (encoding) => {
      const { post } = await fixture.start();
      const answer = await post(json(aLog('A')), { 'content-encoding': encoding });
      expect(answer.status).toBe(415);
      expect(answer.headers.get('accept-encoding')).toBe('gzip, deflate, br');
    },
  );

  test.each([
    ['gzip', Buffer.from('no gzip')],
    ['gzip', gzipSync(json(aLog('A'))).subarray(0, -5)],
    ['gzip', Buffer.alloc(0)],
    ['deflate', gzipSync('{}')],
    ['br', Buffer.from('no brotli')],
    ['br', brotliCompressSync(json(aLog('A'))).subarray(0, -5)],
    ['gzip, deflate', gzipSync(deflateSync('{}'))],
  ])('%s that is corrupt is answered 400', async (encoding, body) => {
    const { post } = await fixture.start();
    const answer = await post(body, { 'content-encoding': encoding });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toContain('Content-Encoding');
    expect((await post(json(aLog('A')))).status).toBe(200);
  });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', (body: Buffer) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
    ['gzip, gzip', (body: Buffer) => gzipSync(gzipSync(body))],
  ])('%s of 200 MiB of zeros is answered 413 without unpacking it all', async (encoding, encode) => {
    const { post } = await fixture.start();
    const bomb = encode(Buffer.alloc(200 * MiB));
    const before = process.memoryUsage().rss;
    const answer = await post(bomb, { 'content-encoding': encoding });
    expect(answer.status).toBe(413);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MiB);
    expect((await post(json(aLog('A')))).status).toBe(200);
  });
});

describe('a body that is too large', () => {
  test('is answered 413 before it is sent, and the connection is closed', async () => {
    const { port } = await fixture.start();
    const head = `POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Length: ${17 * MiB}\r\n\r\n`;
    const answer = await raw(port, [head]);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain(`the body is larger than ${16 * MiB} bytes`);
  });

  test('is answered 413 though its sender goes on sending', async () => {
    const { post } = await fixture.start({ config: { body_bytes_max: '1MiB' } });
    for (let i = 0; i < 5; i += 1) expect((await post(Buffer.alloc(8 * MiB, 32))).status).toBe(413);
  });

  test('is answered 413 when it comes in chunks of no announced length', async () => {
    const { port } = await fixture.start({ config: { body_bytes_max: '64KiB' } });
    const chunk = `8000\r\n${' '.repeat(0x8000)}\r\n`;
    const head = 'POST /v1/logs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await raw(port, [head, chunk, chunk, chunk])).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('is one that is just over; one that just fits is taken', async () => {
    const { post } = await fixture.start({ config: { body_bytes_max: '1KiB' } });
    const fits = json(aLog('A')).padEnd(1024);
    expect((await post(fits)).status).toBe(200);
    expect((await post(`${fits} `)).status).toBe(413);
    expect((await post(gzipSync(fits), { 'content-encoding': 'gzip' })).status).toBe(200);
    expect((await post(gzipSync(`${fits} `), { 'content-encoding': 'gzip' })).status).toBe(413);
  });
});

describe('on the wire', () => {
  test.each([
    'Content-Length:\r\n',
    'Content-Length:   \r\n',
    'Content-Length: x\r\n',
    'Content-Length: -1\r\n',
  ])('a request with %j gives no record', async (header) => {
    const { port } = await fixture.start();
    const answer = await raw(
      port,
      [`POST /v1/logs HTTP/1.1\r\nHost: a\r\n${header}\r\n${json(aLog('A'))}`],
      'HTTP/1.1 4',
    );
    expect(answer).toMatch(/^(HTTP\/1\.1 400 |$)/);
    expect(await fixture.logs()).toEqual([]);
  });

  test('empty generic headers are fine', async () => {
    const { port } = await fixture.start();
    const body = json(aLog('A'));
    const head = `POST /v1/logs HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nContent-Type:\r\nContent-Encoding:\r\nContent-Length: ${body.length}\r\n\r\n`;
    expect(await raw(port, [head + body], 'accepted')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('a request may come in any pieces', async () => {
    const { port } = await fixture.start();
    const body = Buffer.from(json(aLog('\uc8fc\ubb38')));
    const whole = Buffer.concat([
      Buffer.from(`POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`),
      body,
    ]);
    const cuts = [0, 2, 20, 60, whole.length - 60, whole.length - 30, whole.length - 1, whole.length];
    const pieces = cuts.slice(1).map((end, i) => whole.subarray(cuts[i], end));
    expect(await raw(port, pieces, 'accepted')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await fixture.logs()).toHaveLength(1);
  });

  test('a body in chunks of one byte costs no more than its bytes', async () => {
    const { port } = await fixture.start();
    const chunks = Array.from(json(aLog('A')).padEnd(100_000), (char) => `1\r\n${char}\r\n`).join('');
    const head = 'POST /v1/logs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await raw(port, [head + chunks, '0\r\n\r\n'], 'accepted')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('a sender that leaves in the middle leaves no record and no claim on memory', async () => {
    const config = { body_bytes_max: '64KiB', bodies_bytes_max: '64KiB', requests_max: 1 };
    const { port, post } = await fixture.start({ config });
    const body = json(aLog('A', { payload: 'x'.repeat(60_000) }));
    for (const head of [
      `Content-Length: ${body.length}`,
      'Content-Encoding: gzip\r\nTransfer-Encoding: chunked',
    ]) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.write(`POST /v1/logs HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n1f40\r\n`);
      await delay(50);
      socket.destroy();
      await delay(50);
      expect((await post(body)).status).toBe(200);
    }
    expect(await fixture.logs()).toHaveLength(2);
  });

  test('a connection goes on after errors whose body was read', async () => {
    const { port } = await fixture.start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    const post = async (body: string, headers: Record<string, string> = {}) => {
      const sent = request({ port, method: 'POST', path: '/v1/logs', agent, headers });
      sent.end(body);
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      ports.add(response.socket.localPort);
      response.resume();
      await once(response, 'end');
      return response.statusCode;
    };
    const log = json(aLog('A'));
    expect(await post('nope')).toBe(400);
    expect(await post(log, { 'content-type': 'text/plain' })).toBe(415);
    expect(await post(log, { 'content-encoding': 'zstd' })).toBe(415);
    expect(await post(log)).toBe(200);
    expect(ports.size).toBe(1);
    agent.destroy();
  });
});
