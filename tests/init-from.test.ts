import { globSync } from 'tinyglobby';
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { createCharset } from '../collector/charset.ts';
import { decoders } from '../collector/decoders/registry.ts';
import { createTrial } from '../scripts/decode/trial.ts';
import { loadTranweaveConfig } from '../scripts/tranweave-config.ts';
import { written } from './formats/init.ts';
import { inputOf, samples } from './formats/samples.ts';
import { CLI } from './support/landscape.ts';

/** `tranweave init --from`: configs that are guessed of every sample that there is. */

const path = (relative: string) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const clock = { now: () => Date.UTC(2026, 0, 31, 9, 15), sleep: () => Promise.resolve() };
const kindsOf = (bytes: Buffer, input: ReturnType<typeof written>['input']) => {
  const trial = createTrial(input, '/sample', clock);
  return [...trial.push(bytes), ...trial.end()].flatMap(({ outcomes }) => outcomes.map(({ kind }) => kind));
};

describe('of a sample in docs/formats.md', () => {
  /** Samples too small or too strange to be told: a page shows two records where a file has thousands. */
  const OTHERWISE: Readonly<Record<string, string>> = { hub: 'text', pipes: 'text', gateway: 'text' };
  const each = samples.map((sample) => {
    const input = inputOf(sample);
    const isLines = !/^(?:fixed-length|length-prefixed)$/.test(input.framing.type);
    const text = isLines ? sample.text : sample.text.replace(/\n$/, '');
    return { name: input.name, input, bytes: createCharset(input.encoding).encode(text) };
  });

  test.each(each)('$name the format is found', ({ name, input, bytes }) => {
    const { mistakes, input: guessed } = written(bytes, 'Asia/Seoul');
    expect(mistakes).toEqual([]);
    const type = guessed.type === 'file' ? guessed.decoder.type : '';
    expect(type).toBe(OTHERWISE[name] ?? input.decoder.type);
  });

  test('every format is found at least once', () => {
    const found = new Set<string>(
      each
        .map(({ bytes }) => written(bytes).input)
        .flatMap((input) => (input.type === 'file' ? input.decoder.type : [])),
    );
    expect(Object.keys(decoders).filter((type) => !found.has(type))).toEqual(['ndjson']);
  });
});

describe('of an example', () => {
  test.each([
    ['examples/eai/send.log', []],
    ['examples/eai/hub.log', []],
    ['examples/eai/receive.log', []],
    ['examples/ibm-ace/events.xml', []],
    ['examples/java/bridge.log', ['step.constant']],
    ['examples/orders/shop.log', ['status.constant']],
    ['examples/orders/warehouse.log', ['status.constant']],
    ['examples/hub-euc-kr/hub.dat', []],
  ])('%s: what is left to be filled in', (file, todo) => {
    const bytes = readFileSync(path(file));
    const guess = written(bytes, 'Asia/Seoul');
    expect([guess.mistakes, guess.todo]).toEqual([[], todo]);
    const kinds = kindsOf(bytes, guess.input);
    const logs = kinds.filter((kind) => kind === 'log' || kind === 'row').length;
    expect(logs / kinds.filter((kind) => kind !== 'skip').length).toBeGreaterThan(0.9);
  });

  test('finds the fields of the hub that its config has', () => {
    const { input } = written(readFileSync(path('examples/hub-euc-kr/hub.dat')), 'Asia/Seoul');
    const [own] = loadTranweaveConfig(path('examples/hub-euc-kr/tranweave.yml'), {}).inputs;
    const widths = (config: typeof own) =>
      config?.type === 'file' && config.decoder.type === 'fixed-length'
        ? config.decoder.fields.map(({ bytes }) => bytes)
        : [];
    // All but the group, whose records differ in length.
    expect(widths(input)).toEqual(widths(own).slice(0, -1));
  });
});

describe('of files of others', () => {
  const dir = path('../shared/data/');
  const files = globSync(
    [
      'orders/*',
      'iib-events/*',
      'multiline/*.log',
      'csv-torture/**/*.csv',
      'cloudevents/*',
      'otlp/*',
      'korean/*',
      'json-torture/**/*.json',
    ],
    { cwd: dir },
  );

  test('a config comes of each, in which nothing is wrong but what is to be filled in', () => {
    expect(files.length).toBeGreaterThan(300);
    for (const file of files)
      expect([file, written(readFileSync(join(dir, file))).mistakes]).toEqual([file, []]);
  });

  test.each([
    ['orders/single__orders.log', 'delimited', 'order'],
    ['csv-torture/csv-spectrum/csvs/newlines_crlf.csv', 'delimited', ''],
    ['iib-events/eventfully__InputOrderEvent.xml', 'ibm-ace', 'data.purchaseOrderID'],
    ['multiline/fluentbit__java.input.log', 'text', ''],
  ])('%s is %s', (file, type, id) => {
    const { text, input } = written(readFileSync(join(dir, file)));
    expect(input.type === 'file' ? input.decoder.type : '').toBe(type);
    if (id.includes('.')) expect(text).toContain(id);
  });
});

test('of any bytes a config comes, in which nothing is wrong but what is to be filled in', () => {
  const line = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom('a=1 b=${HOME}', '<a>', '"x', '{"${X}":"${Y}","*z":"&y"}', '| |', '# TODO: !!x'),
  );
  const text = fc.array(line, { minLength: 1, maxLength: 8 }).map((all) => Buffer.from(all.join('\n')));
  const bytes = fc.oneof(
    text,
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((all) => Buffer.from(all)),
  );
  fc.assert(
    fc.property(bytes, (sample) => {
      expect(written(sample).mistakes).toEqual([]);
    }),
    {
      numRuns: 200,
      examples: [[Buffer.from('{"":-5e-324}')], [Buffer.from('{" ":1}')], [Buffer.from('{"a":{"":1}}')]],
    },
  );
});

describe('the command', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tranweave-init-from-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', timeout: 20_000, cwd: dir });

  test('writes a config that decodes the sample it was guessed of', () => {
    const sample = path('examples/hub-euc-kr/hub.dat');
    expect(run('init', '--from', sample, '--zone', 'Asia/Seoul', '-o', 'hub.yml').status).toBe(0);
    expect(run('validate', '--config', 'hub.yml').stdout).toContain('hub.yml is valid');
    expect(run('decode', '--config', 'hub.yml', '--input', 'hub', '--quiet', sample).stdout).toMatch(
      /71 records, \d+ logs/,
    );
  });

  test('names what is left to be filled in, when the config is looked at', () => {
    expect(run('init', '--from', path('examples/orders/shop.log'), '-o', 'shop.yml').status).toBe(0);
    const { status, stderr } = run('validate', '--config', 'shop.yml');
    expect(status).not.toBe(0);
    expect(stderr).toMatch(
      /shop\.yml:\d+:\d+ {2}inputs\[0\]\.mapping\.status\.constant is still to be filled in \(TODO\)/,
    );
    expect(stderr).toMatch(/mapping\.event_time\.zone is still to be filled in \(TODO\)/);
  });

  test('says what is wrong with a sample or a zone', () => {
    expect(run('init', '--from', 'nothing.log').stderr).toContain('the sample nothing.log cannot be read');
    expect(run('init', '--from', path('examples/orders/shop.log'), '--zone', 'Seoul').stderr).toContain(
      'Seoul is not a time zone',
    );
  });
});
