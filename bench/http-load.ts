import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

/** Sends a file of JSON lines to an HTTP input, in a process of its own: `node http-load.js URL FILE LINES_PER_BODY CONNECTIONS`. */

const [url = '', file = '', perBody = '500', connections = '4'] = process.argv.slice(2);
const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
const bodies: Buffer[] = [];
for (let at = 0; at < lines.length; at += Number(perBody)) {
  bodies.push(Buffer.from(`${lines.slice(at, at + Number(perBody)).join('\n')}\n`));
}
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });

function post(body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-ndjson', 'content-length': body.length };
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`status ${response.statusCode}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Each connection sends its next body when the last one was answered. */
async function send(): Promise<void> {
  for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) await post(body);
}

process.send?.('loaded');
await new Promise((resolve) => process.once('message', resolve));
await Promise.all(Array.from({ length: Number(connections) }, () => send()));
agent.destroy();
// It ends when it is let go: until then one can look at what it used.
process.send?.('sent');
