import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FatalError } from '../../common/errors.ts';
import { generateLogs } from '../generate/generator.ts';
import type { GeneratorOptions, Ledger } from '../generate/generator.ts';

const LINES_A_WRITE = 500;

/** Writes made-up logs as JSON lines, and beside them the ledger of what must come out. Throws a FatalError when they cannot be written. */
export async function generate(file: string, options: GeneratorOptions): Promise<void> {
  const ledgerFile = `${file}.ledger.json`;
  const ledger = await writeLogs(file, options).catch(cannotWrite(file));
  await writeFile(ledgerFile, `${JSON.stringify(ledger, null, 2)}\n`).catch(cannotWrite(ledgerFile));
  process.stdout.write(
    `${file}: ${ledger.lines} lines of ${ledger.transactions} transactions; what must come out of them is in ${ledgerFile}\n`,
  );
}

/** What the system has against it is the operator's to mend; anything else is a bug. */
const cannotWrite = (file: string) => (error: unknown) => {
  if (typeof (error as NodeJS.ErrnoException).errno !== 'number') throw error;
  throw new FatalError(`${file} cannot be written`, { cause: error });
};

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
