import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { InputConfig } from '../../collector/inputs/registry.ts';
import { systemClock } from '../../common/clock.ts';
import { FatalError } from '../../common/errors.ts';
import { Counts, formatTried, logOf } from '../decode/format.ts';
import { createTrial } from '../decode/trial.ts';
import type { Trial, Tried } from '../decode/trial.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';

export interface DecodeOptions {
  config: string;
  input?: string;
  json?: true;
  quiet?: true;
}

/**
 * Shows what an input makes of a sample, record by record: the decoded fields, then the logs or why there are none. Nothing is sent
 * anywhere. Sets the exit code to 1 if there are dead letters. Throws a FatalError for a config or a sample that cannot be read.
 *
 * @param file the sample; standard input if undefined.
 */
export async function decode(file: string | undefined, options: DecodeOptions): Promise<void> {
  const input = inputOf(loadTranweaveConfig(options.config).inputs, options.input);
  const counts = new Counts();
  const trial = createTrial(input, file ?? '/dev/stdin', systemClock);
  const source = file === undefined ? process.stdin : createReadStream(file);
  try {
    await pipeline(Readable.from(report(source, trial, counts, options)), process.stdout, { end: false });
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    // Whoever read it has seen enough, as `head` does.
    if (code === 'EPIPE') return;
    if (syscall === undefined) throw error;
    throw new FatalError(`the sample ${file ?? ''} cannot be read`, { cause: error });
  }
  if (counts.deadLetters > 0) process.exitCode = 1;
}

async function* report(
  source: AsyncIterable<Buffer | string>,
  trial: Trial,
  counts: Counts,
  { json, quiet }: DecodeOptions,
): AsyncGenerator<string> {
  for await (const tried of triedOf(source, trial)) {
    counts.add(tried);
    const isShown = quiet === undefined || tried.outcomes.some(({ kind }) => kind === 'dead_letter');
    if (json) yield jsonOf(tried);
    else if (isShown) yield formatTried(tried, counts.records, trial.show(tried.bytes));
  }
  if (json === undefined) yield `${counts.inWords()}\n`;
}

async function* triedOf(source: AsyncIterable<Buffer | string>, trial: Trial): AsyncGenerator<Tried> {
  for await (const chunk of source) yield* trial.push(Buffer.from(chunk as Buffer));
  yield* trial.end();
}

function jsonOf({ start, fields, outcomes }: Tried): string {
  const became = outcomes.map((outcome) => {
    if (outcome.kind === 'skip') return { skipped: true };
    if (outcome.kind !== 'dead_letter') return { log: logOf(outcome) };
    const { stage, reason } = outcome.dead_letter;
    return { dead_letter: { stage, reason } };
  });
  return `${JSON.stringify({ offset: start, fields, outcomes: became })}\n`;
}

function inputOf(inputs: readonly InputConfig[], name: string | undefined): InputConfig {
  const names = inputs.map((input) => input.name).join(', ');
  const [only] = inputs;
  if (name === undefined && inputs.length === 1 && only !== undefined) return only;
  if (name === undefined) {
    throw new FatalError(
      inputs.length === 0 ? 'the config has no inputs' : `say which input: --input with one of ${names}`,
    );
  }
  const input = inputs.find((each) => each.name === name);
  if (input === undefined) throw new FatalError(`the config has no input ${name}; it has ${names || 'none'}`);
  return input;
}
