import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { readBody } from './body.ts';
import { createByteBudget } from './limits.ts';

/** What a sender cannot bring about at a chosen moment; the rest goes through a real server in body.test.ts. */

const limits = () => ({ bytesMax: 1000, lease: createByteBudget(1000).open(), onReceived: () => undefined });
const leftEarly = { status: 400, message: 'the connection ended before the body' };

test.each([[[]], [['gzip' as const]]])(
  'a request that was closed before it is read is refused, with encodings %j',
  async (encodings) => {
    const incoming = new IncomingMessage(new Socket());
    await once(incoming.destroy(), 'close');
    await expect(readBody(incoming, encodings, limits())).rejects.toMatchObject(leftEarly);
  },
);

test('a request that is closed while it is read is refused, though it tells no error', async () => {
  const incoming = new IncomingMessage(new Socket());
  incoming.push('{"transaction_id":');
  const body = readBody(incoming, [], limits());
  incoming.destroy();
  await expect(body).rejects.toMatchObject(leftEarly);
});

test('what was read listens to the request no more', async () => {
  const incoming = new IncomingMessage(new Socket());
  const before = incoming.eventNames();
  incoming.push('{}');
  incoming.complete = true;
  incoming.push(null);
  expect(String(await readBody(incoming, [], limits()))).toBe('{}');
  expect(incoming.eventNames()).toEqual(before);
});
