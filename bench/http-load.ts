import { readFileSync } from 'node:fs';
import { openConnection, postOf } from './connection.ts';

/**
 * Sends a file of JSON lines to an HTTP server as fast as it answers, in a process of its own: `node http-load.js URL FILE LINES_PER_BODY CONNECTIONS`.
 * It says `loaded`, begins when it is told to, says `sent`, and ends when it is let go: until then one can look at what it used.
 */

const [address = '', file = '', perBody = '500', connections = '4'] = process.argv.slice(2);
const url = new URL(address);
const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
const posts: Buffer[] = [];
for (let at = 0; at < lines.length; at += Number(perBody)) {
  posts.push(postOf(url, lines.slice(at, at + Number(perBody))));
}
const opened = await Promise.all(Array.from({ length: Number(connections) }, () => openConnection(url)));
let next = 0;
process.send?.('loaded');
await new Promise((resolve) => process.once('message', resolve));
await Promise.all(
  opened.map(async (connection) => {
    // Each connection sends its next body when the last one was answered.
    for (let post = posts[next++]; post !== undefined; post = posts[next++]) {
      const status = await connection.send(post);
      if (status !== 200) throw new Error(`status ${status}`);
    }
  }),
);
process.send?.('sent');
for (const connection of opened) connection.close();
