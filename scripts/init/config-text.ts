import type { Guess } from './guess.ts';
import { inline } from './inline.ts';
import type { ProposedRule } from './mapping.ts';

/** The guess as a config, with what was seen and what is to be filled in as comments. */

export interface ConfigNames {
  /** Of the input. */
  name: string;
  /** The sample, as an absolute path. */
  file: string;
  /** The config that is written, as it was named. */
  output: string;
}

const COMMENT_WIDTH = 110;

export function configText(guess: Guess, names: ConfigNames): string {
  const { decoded, undecoded } = guess;
  const todo = configBody(guess, names);
  const open = (todo.match(/\bTODO\b(?! )/g) ?? []).length;
  return [
    ...comment(
      `Guessed from ${names.file}: ${decoded} of its records could be decoded, ${undecoded} could not. Every key with its meaning: docs/configuration.md, formats with samples: docs/formats.md.`,
    ),
    ...comment(
      open === 0
        ? 'Nothing is left to be filled in. Whether the guess is right, you must say: look at what it makes of your file.'
        : 'Where TODO stands, nobody but you can know; `tranweave validate` names each of them, and refuses the config until all are filled in.',
    ),
    `#   tranweave validate --config ${names.output}`,
    `#   tranweave decode --config ${names.output} --input ${names.name} < ${names.file}`,
    '',
    todo,
  ].join('\n');
}

function configBody({ encoding, shape, proposal }: Guess, { name, file }: ConfigNames): string {
  const entry = [
    `- name: ${inline(name)}`,
    '  type: file',
    '  # Files to follow; wildcards may be used: /var/log/eai/*.log',
    `  paths: [${inline(file)}]`,
    ...indented(2, comment(`Encoding: ${encoding.why}.`)),
    `  encoding: ${inline(encoding.encoding)}`,
    ...(shape.framing === undefined
      ? []
      : [
          ...indented(2, comment(`Records: ${shape.framingWhy ?? ''}.`)),
          `  framing: ${inline(shape.framing)}`,
        ]),
    ...indented(2, comment(`Fields: ${shape.decoderWhy}.`)),
    ...decoderLines(shape.decoder),
    ...(shape.skipWithout === undefined
      ? []
      : [
          '  # Records without it are no logs of a transaction.',
          `  skip: ${inline({ any: [{ field: shape.skipWithout, is: '' }] })}`,
        ]),
    ...(proposal === undefined
      ? ['  # No mapping: its records are standard logs, and fields are taken by their names.']
      : ['  mapping:', ...proposal.rules.flatMap((rule) => indented(4, ruleLines(rule)))]),
  ];
  const steps = proposal?.steps ?? [];
  return [
    'redis:',
    '  url: redis://127.0.0.1:6399',
    '',
    'inputs:',
    ...indented(2, entry),
    '',
    '# What every transaction is expected to pass, in this order.',
    ...(steps.length === 0
      ? []
      : ['# These are the steps that the sample has, in the order in which they came.']),
    'default_flow:',
    `  steps: ${inline(steps.length === 0 ? ['send', 'hub', 'receive'] : steps)}`,
    '  deadline: 1h',
    '',
    'sinks:',
    '  - name: clickhouse',
    '    type: clickhouse',
    '    url: http://127.0.0.1:8123',
    '    database: tranweave',
    '',
  ].join('\n');
}

/** Fields of a layout stand below each other, where widths are easily put right. */
function decoderLines(decoder: Record<string, unknown>): string[] {
  const { fields, ...rest } = decoder;
  if (!Array.isArray(fields)) return [`  decoder: ${inline(decoder)}`];
  return [
    '  decoder:',
    ...Object.entries(rest).map(([key, value]) => `    ${key}: ${inline(value)}`),
    '    fields:',
    ...fields.map((field) => `      - ${inline(field)}`),
  ];
}

function ruleLines({ target, rule, why, isOptional }: ProposedRule): string[] {
  const line = `${target}: ${inline(rule)}`;
  return [
    ...comment(`${why.charAt(0).toUpperCase()}${why.slice(1)}.`),
    isOptional === true ? `# ${line}` : line,
  ];
}

function indented(spaces: number, lines: readonly string[]): string[] {
  return lines.map((line) => `${' '.repeat(spaces)}${line}`);
}

/** A text as lines of comment; what a sample says must not end one. */
function comment(text: string): string[] {
  // eslint-disable-next-line no-control-regex
  const words = text.replaceAll(/[\u0000-\u001F\u007F-\u009F\u2028\u2029]+/g, ' ').split(' ');
  const lines: string[] = [];
  let line = '#';
  for (const word of words) {
    if (line.length + word.length >= COMMENT_WIDTH && line !== '#') {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
