import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { generateLogs } from '../generate/generator.ts';
import type { GeneratorOptions, Ledger } from '../generate/generator.ts';

const LINES_A_WRITE = 500;

/** Writes made-up logs as JSON lines, and beside them the ledger of what must come out. */
export async function generate(file: string, options: GeneratorOptions): Promise<void> {
  const ledger = await writeLogs(file, options);
  const ledgerFile = `${file}.ledger.json`;
  await writeFile(ledgerFile, `${JSON.stringify(ledger, null, 2)}\n`);
  process.stdout.write(
    `${file}: ${ledger.lines} lines of ${ledger.transactions} transactions; what must come out of them is in ${ledgerFile}\n`,
  );
}

export async function writeLogs(file: string, options: GeneratorOptions): Promise<Ledger> {
  const logs = generateLogs(options);
  let ledger: Ledger | undefined;
  function* blocks(): Generator<string> {
    let block: string[] = [];
    for (;;) {
      const next = logs.next();
      if (next.done === true) {
        ledger = next.value;
        break;
      }
      block.push(next.value);
      if (block.length < LINES_A_WRITE) continue;
      yield `${block.join('\n')}\n`;
      block = [];
    }
    if (block.length > 0) yield `${block.join('\n')}\n`;
  }
  await pipeline(Readable.from(blocks(), { objectMode: false }), createWriteStream(file));
  if (ledger === undefined) throw new TypeError('the generator did not come to its end');
  return ledger;
}
