import { readFileSync } from 'node:fs';
import { createCharset } from '../../collector/charset.ts';
import type { InputConfig } from '../../collector/inputs/registry.ts';
import type { Outcome } from '../../collector/outcome.ts';
import { checkConfig } from '../../common/config.ts';
import { logOf } from '../../scripts/decode/format.ts';
import { createTrial } from '../../scripts/decode/trial.ts';
import { tranweaveConfigSchema } from '../../scripts/tranweave-config.ts';

/** The samples of docs/formats.md: a text, the config of the input that reads it, and what comes out, a line of JSON each. */
export interface Sample {
  text: string;
  config: string;
  output: string;
}

const page = readFileSync(new URL('../../docs/formats.md', import.meta.url), 'utf8');

/** All blocks of code of the page. */
export const blocks = [...page.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, kind = '', text = '']) => ({
  kind,
  text,
}));

export const samples: Sample[] = blocks.flatMap(({ kind, text }, index) => {
  const [config, output] = [blocks[index + 1], blocks[index + 2]];
  const isWhole = kind === 'text' && config?.kind === 'yaml' && output?.kind === 'text';
  return index % 3 === 0 && isWhole ? [{ text, config: config.text, output: output.text }] : [];
});

export type FileConfig = Extract<InputConfig, { type: 'file' }>;

/** The one input of a sample's config. Throws with its mistakes if it has any. */
export function inputOf({ config: text }: Sample): FileConfig {
  const { config, mistakes } = checkConfig(text, tranweaveConfigSchema, {});
  if (mistakes !== undefined) throw new Error(JSON.stringify(mistakes));
  const [input] = config.inputs;
  if (input?.type !== 'file' || config.inputs.length !== 1) throw new Error('a sample has one file input');
  return input;
}

const clock = { now: () => Date.UTC(2026, 0, 31, 9, 15), sleep: () => Promise.resolve() };

/** What the input makes of the sample's text, as a file that has come to rest. */
export function outcomesOf(sample: Sample): Outcome[] {
  const input = inputOf(sample);
  const trial = createTrial(input, '/sample', clock);
  // The last line end of a block is none of a record that no line end ends.
  const isLines = !/^(?:fixed-length|length-prefixed)$/.test(input.framing.type);
  const text = isLines ? sample.text : sample.text.replace(/\n$/, '');
  const tried = [...trial.push(createCharset(input.encoding).encode(text)), ...trial.end()];
  return tried.flatMap(({ outcomes }) => outcomes);
}

/** As the page shows it: without what the collector sets, and without defaults. */
export function shown(outcome: Outcome): string {
  if (outcome.kind === 'skip') return '';
  if (outcome.kind === 'dead_letter') {
    const { stage, reason } = outcome.dead_letter;
    return `${JSON.stringify({ dead_letter: { stage, reason } })}\n`;
  }
  const stored = logOf(outcome);
  const { event_id: _id, ingest_time: _time, channel: _channel, input: _input, ...log } = stored;
  const { branch, attempt, ...rest } = log;
  const own = {
    ...rest,
    ...(branch === '' ? {} : { branch }),
    ...(attempt === 1 ? {} : { attempt }),
  };
  return `${JSON.stringify(own)}\n`;
}
