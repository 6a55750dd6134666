import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openConnection, postOf } from './connection.ts';
import type { Connection } from './connection.ts';
import { createWallClock } from './wall-clock.ts';

/**
 * Sends a file of JSON lines at a steady pace, in a process of its own: `node steady-sender.js URL FILE LINES_PER_BODY LOGS_PER_SECOND`. When each request is due
 * is settled before the first one is sent, and no answer moves it: a server that stalls finds all that came due meanwhile, as it would with senders that know
 * nothing of each other. It says `loaded`, begins when it is told to, and tells what became of the requests.
 */

/** Times are in ms since 1970, one for each request. */
export interface SentSteadily {
  due: Float64Array;
  /** When it was written to its connection: how late the sender itself was, or had no connection free. */
  sent: Float64Array;
  answered: Float64Array;
}

/** More requests than that are never under way; those that are due wait, and their time counts. */
const CONNECTIONS = 64;

const [address = '', file = '', perBody = '50', rate = '1000'] = process.argv.slice(2);
const url = new URL(address);
const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
const posts: Buffer[] = [];
for (let at = 0; at < lines.length; at += Number(perBody)) {
  posts.push(postOf(url, lines.slice(at, at + Number(perBody))));
}
const free = await Promise.all(Array.from({ length: CONNECTIONS }, () => openConnection(url)));
process.send?.('loaded');
await new Promise((resolve) => process.once('message', resolve));
const told = await sendAll();
await new Promise((resolve) => process.send?.(told, resolve));
for (const connection of free) connection.close();

async function sendAll(): Promise<SentSteadily> {
  const now = createWallClock();
  const spacing = (Number(perBody) / Number(rate)) * 1000;
  const start = now() + spacing;
  const due = Float64Array.from(posts, (_, index) => start + index * spacing);
  const sent = new Float64Array(posts.length);
  const answered = new Float64Array(posts.length);
  const underWay = new Set<Promise<void>>();
  const send = async (kept: Connection, index: number) => {
    const connection = kept.isOpen() ? kept : await openConnection(url);
    sent[index] = now();
    const status = await connection.send(posts[index] ?? Buffer.alloc(0));
    if (status !== 200) throw new Error(`request ${index} was answered ${status}`);
    answered[index] = now();
    free.push(connection);
  };
  for (let next = 0; next < posts.length;) {
    const connection = (due[next] ?? 0) <= now() ? free.pop() : undefined;
    if (connection === undefined) {
      await delay(Math.max(0, Math.floor((due[next] ?? 0) - now())));
      continue;
    }
    const sending: Promise<void> = send(connection, next).finally(() => underWay.delete(sending));
    underWay.add(sending);
    next += 1;
  }
  await Promise.all(underWay);
  return { due, sent, answered };
}
