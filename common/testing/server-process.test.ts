import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { launchOnFreePort } from './server-process.ts';

test('a server whose port somebody took meanwhile gets another one', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const taken = (other.address() as AddressInfo).port;
  const ports: number[] = [];
  const { port, server } = await launchOnFreePort((free) => {
    ports.push(ports.length === 0 ? taken : free);
    const script = `require('net').createServer().listen(${ports.at(-1)}, '127.0.0.1', () => console.log('listens'))`;
    return { file: process.execPath, args: ['-e', script], ready: 'listens' };
  });
  expect(ports).toEqual([taken, port]);
  await server.end('SIGTERM');
  other.close();
});
