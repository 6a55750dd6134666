import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import iconv from 'iconv-lite';
import * as v from 'valibot';
import { afterAll, describe, expect, test } from 'vitest';
import { checkConfig, ConfigError, loadConfig } from './config.ts';
import { duration, wholeNumber } from './config-values.ts';
import { FatalError } from './errors.ts';

const schema = v.strictObject({
  partitions: v.optional(wholeNumber(1, 8, ''), 4),
  redis: v.optional(v.strictObject({ url: v.optional(v.string('must be a text'), 'redis://x') }), {}),
  steps: v.optional(
    v.array(
      v.union(
        [
          v.string(),
          v.strictObject({ step: v.string('must be a text'), within: v.exactOptional(duration('')) }),
        ],
        'must be a name or an object',
      ),
      'must be a list',
    ),
    [],
  ),
});
const mistakesIn = (text: string, env: NodeJS.ProcessEnv = {}) =>
  (checkConfig(text, schema, env).mistakes ?? []).map(
    ({ line, column, key, reason }) => `${line}:${column} ${key} ${reason}`,
  );

describe('a config', () => {
  test('that is empty has every default', () => {
    expect(checkConfig('', schema, {}).config).toEqual({
      partitions: 4,
      redis: { url: 'redis://x' },
      steps: [],
    });
  });

  test('with several mistakes names each with its line, in the order of the file', () => {
    const text = [
      'partitions: 9',
      'redis:',
      '  ulr: redis://y',
      'steps:',
      '  - send',
      '  - step: hub',
      '    within: 5',
      '  - 7',
      '  - { within: 5s }',
    ].join('\n');
    expect(mistakesIn(text)).toEqual([
      '1:1 partitions must be a whole number from 1 to 8',
      '3:3 redis.ulr is not known here; is it misspelt or indented wrongly?',
      '7:5 steps[1].within must be a duration with its unit, like 500ms, 10s, 5m, 24h or 90d',
      '8:5 steps[2] must be a name or an object',
      '9:5 steps[3].step is required',
    ]);
  });

  test('that is no YAML says where', () => {
    expect(mistakesIn('a: [1\nb: 2')[0]).toMatch(/^2:1 {2}is not YAML: /);
    expect(mistakesIn('partitions: 1\npartitions: 2')[0]).toMatch(
      /^2:1 {2}is not YAML: Map keys must be unique/,
    );
  });

  test('whose value begins with * without quotes says where, and what to do', () => {
    const hint = 'put quotes around a value that begins with `*`';
    expect(mistakesIn('steps:\n  - *-order\n  - step: *x')).toEqual([
      `2:5  *-order is an alias in YAML, and there is no &-order before it; ${hint}`,
      `3:11  *x is an alias in YAML, and there is no &x before it; ${hint}`,
    ]);
    expect(mistakesIn('steps: [send]\nredis: *')).toEqual([
      `2:8  is not YAML: Alias cannot be an empty string; ${hint}`,
    ]);
  });

  test('may have aliases, but not of what they are a part of, nor so many that they become much', () => {
    expect(checkConfig('steps: [&s send, *s]', schema, {}).config?.steps).toEqual(['send', 'send']);
    expect(mistakesIn('steps: &s\n  - *s')).toEqual(['2:5  *s stands for what it is a part of']);
    const tenOf = (name: string) => `[${Array.from({ length: 10 }, () => `*${name}`).join(', ')}]`;
    const text = `a: &a [x]\nb: &b ${tenOf('a')}\nc: &c ${tenOf('b')}\nd: ${tenOf('c')}`;
    expect(mistakesIn(text)).toEqual([
      '2:8  aliases like this one are too many, or stand for too much; write out what they stand for',
    ]);
  });

  test('takes texts from the environment, with defaults, and names what is not set', () => {
    const text = 'redis:\n  url: redis://${HOST}:${PORT:-6379}';
    expect(checkConfig(text, schema, { HOST: 'h' }).config?.redis.url).toBe('redis://h:6379');
    expect(mistakesIn(text)).toEqual([
      '2:8  the environment variable HOST is not set; write ${HOST:-…} to give a default',
    ]);
  });
});

describe('loading a config', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tranweave-config-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  test('fails with one message that lists file, line and key', () => {
    const file = join(dir, 'bad.yml');
    writeFileSync(file, 'partitions: 0\nnope: 1\n');
    const load = () => loadConfig(file, schema, {});
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(
      /^2 mistakes in .*bad\.yml\n.*bad\.yml:1:1 {2}partitions must be.*\n.*bad\.yml:2:1 {2}nope is not known/,
    );
  });

  test('that is not there says how to get one', () => {
    const load = () => loadConfig(join(dir, 'none.yml'), schema, {});
    expect(load).toThrow(FatalError);
    expect(load).toThrow('`tranweave init` writes one');
  });

  test('that is in another encoding names the first line that shows it: its letters would go into the data', () => {
    const file = join(dir, 'euc-kr.yml');
    writeFileSync(file, iconv.encode('# 설정은 UTF-8로\nredis: { url: 주문 }\n', 'cp949'));
    expect(() => loadConfig(file, schema, {})).toThrow(/euc-kr\.yml:1:3 {2}is not UTF-8/);
    const mixed = [Buffer.from('# 설정\n'), iconv.encode('redis: { url: 주문 }\n# 끝', 'cp949')];
    writeFileSync(file, Buffer.concat(mixed));
    expect(() => loadConfig(file, schema, {})).toThrow(/euc-kr\.yml:2:15 {2}is not UTF-8/);
    writeFileSync(file, '\uFEFFredis: { url: 주문 }\n');
    expect(loadConfig(file, schema, {}).redis.url).toBe('주문');
  });
});
