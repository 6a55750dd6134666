import { closeSync, openSync, readSync } from 'node:fs';

/** A bare loop of split and JSON.parse over a file of JSON lines, in a process of its own: `node bare-parse.js FILE`. It says how many logs a second that makes. */

const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

const [path = ''] = process.argv.slice(2);
const started = performance.now();
const file = openSync(path, 'r');
const buffer = Buffer.alloc(CHUNK_BYTES);
let held = 0;
let logs = 0;
for (;;) {
  const read = readSync(file, buffer, held, CHUNK_BYTES - held, null);
  if (read === 0) break;
  const filled = held + read;
  const end = buffer.lastIndexOf(NEWLINE, filled - 1) + 1;
  for (const line of buffer.toString('utf8', 0, end).split('\n')) {
    if (line === '') continue;
    if (typeof JSON.parse(line) === 'object') logs += 1;
  }
  buffer.copyWithin(0, end, filled);
  held = filled - end;
}
closeSync(file);
process.send?.(logs / ((performance.now() - started) / 1000));
