import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkConfig } from '../common/config.ts';
import { inputSchema } from './inputs/registry.ts';
import { pipelineOf } from './main.ts';
import { createMapping, mappingSchema } from './mapping.ts';
import type { Outcome } from './outcome.ts';

const NOW = Date.UTC(2026, 0, 1, 0, 0, 5);
const clock = { now: () => NOW, sleep: () => Promise.resolve() };

/** What a rule makes of fields: the value, or the problem. @param target a field that takes texts. */
function valueOf(rule: unknown, fields: Record<string, unknown>, target = 'node'): unknown {
  const [log] = createMapping(v.parse(mappingSchema, { [target]: rule }))({
    fields,
    meta: {},
    ingestMillis: NOW,
  });
  return log?.issues[0]?.reason ?? log?.record[target];
}

/** What an input, as YAML without its name and its paths, makes of a record. */
function outcomesOf(yaml: string, fields: object): Outcome[] {
  const config = v.parse(inputSchema, { type: 'file', name: 'in', paths: ['x'], ...(parse(yaml) as object) });
  return pipelineOf(config, clock).fromBytes({
    bytes: Buffer.from(JSON.stringify(fields)),
    event_id: 'f@7',
    meta: {},
  });
}

describe('a rule', () => {
  test.each([
    [
      'substring from the beginning',
      { field: 'a', substring: { start: 0, length: 3 } },
      '홍길동전',
      '홍길동',
    ],
    ['substring from the end', { field: 'a', substring: { start: -2 } }, 'A-1001', '01'],
    ['substring longer than its text', { field: 'a', substring: { start: -9, length: 20 } }, 'A-1', 'A-1'],
    ['a substring of whole characters', { field: 'a', substring: { start: 0, length: 1 } }, '😀x', '😀'],
    ['a substring that is empty', { field: 'a', substring: { start: 5 }, default: 'none' }, 'A-1', 'none'],
    ['a list joined', { field: 'a', join: '+' }, ['x', '', 'y', 3], 'x+y+3'],
    ['an object', 'a', { b: [1] }, { b: [1] }],
    ['blanks', { field: 'a', default: 'none' }, ' \t', 'none'],
    ['a text that stands for nothing', { field: 'a', empty: ['-'], default: 'none' }, ' - ', 'none'],
    ['a number from 2^53 on', 'a', '12345678901234567890', '12345678901234567890'],
  ])('gives %s', (_name, rule, value, expected) => {
    expect(valueOf(rule, { a: value })).toEqual(expected);
  });

  test('gives a payload that is an object as JSON', () => {
    expect(valueOf('a', { a: { b: [1] } }, 'payload')).toBe('{"b":[1]}');
  });

  test('joins the fields that are not empty, and takes the first of them without `join`', () => {
    const fields = { date: '20260131', none: ' ', time: '181500' };
    expect(valueOf({ field: ['date', 'none', 'time'], join: ' ' }, fields)).toBe('20260131 181500');
    expect(valueOf({ field: ['none', 'gone', 'time'] }, fields)).toBe('181500');
    const time = { field: ['date', 'time'], join: '', time: 'yyyyMMddHHmmss', zone: 'Asia/Seoul' };
    expect(valueOf(time, fields, 'event_time')).toBe('2026-01-31T09:15:00.000000Z');
    expect(valueOf({ template: '{date}-{gone}' }, fields)).toBeUndefined();
  });

  test('takes a first id that stands for nothing for none', () => {
    const rule = { field: ['global', 'local'], empty: ['00000000'] };
    expect(valueOf(rule, { global: '00000000', local: 'L1' }, 'transaction_id')).toBe('L1');
  });

  test.each([
    [{ unit: 's' }, '0.07', 70],
    [{ unit: 's' }, '1.5 ms', 1.5],
    [{ unit: 'us' }, 1234, 1.234],
    [{ unit: 'ms' }, '2m', 120_000],
    [{ unit: 'B' }, '12 KiB', 12_288],
    [{ decimal: '.' }, '1,234,567.5', 1_234_567.5],
    [{ decimal: ',' }, '1.234,5', 1234.5],
    [{ decimal: ',' }, '0012', 12],
    [{ multiply: 0.1 }, '3', 0.3],
    [{ decimal: '.' }, '1,23', '"1,23" is not a number'],
    [{ unit: 's' }, '12 KiB', '"12 KiB" is not a number of s'],
    [{ decimal: '.' }, '12 ms', '"12 ms" is not a number'],
    [{ unit: 's' }, 'soon', '"soon" is not a number of s'],
    [{ unit: 's' }, '1.2.3', '"1.2.3" is not a number of s'],
  ])('%j makes of %j: %j', (rule, value, expected) => {
    expect(valueOf({ field: 'a', ...rule }, { a: value }, 'duration_ms')).toBe(expected);
  });

  test('gives a time without a year the one nearest to when it was collected', () => {
    const rule = { field: 'a', time: 'MMM d HH:mm:ss' };
    expect(valueOf(rule, { a: 'Dec 31 23:59:59' }, 'event_time')).toBe('2025-12-31T23:59:59.000000Z');
    expect(valueOf(rule, { a: 'Jan  1 00:00:01' }, 'event_time')).toBe('2026-01-01T00:00:01.000000Z');
  });
});

describe('several logs of one record', () => {
  const config = `
    mapping:
      transaction_id: id
      step: { constant: hub }
      attributes: { both: note }
      logs:
        - { status: { constant: started }, event_time: from }
        - when: { field: to }
          status: { field: code, values: { '0': succeeded }, default: failed }
          event_time: to
          attributes: { code: code }`;
  const started = { id: 'T1', from: '2026-01-01T00:00:00Z', note: 'n' };

  test('have ids of their own, their own rules, and those that they share', () => {
    const shared = { transaction_id: 'T1', step: 'hub' };
    expect(outcomesOf(config, { ...started, to: '2026-01-01T00:00:01Z', code: '0' })).toMatchObject([
      { kind: 'log', log: { ...shared, event_id: 'f@7', status: 'started', attributes: { both: 'n' } } },
      {
        kind: 'log',
        log: { ...shared, event_id: 'f@7#0.1', status: 'succeeded', attributes: { both: 'n', code: '0' } },
      },
    ]);
  });

  test('are only those whose condition holds, and keep their ids', () => {
    expect(outcomesOf(config, started)).toMatchObject([{ log: { event_id: 'f@7', status: 'started' } }]);
    const second = config.replace('- { status', '- { when: { field: gone }, status');
    expect(outcomesOf(second, { ...started, to: '2026-01-01T00:00:01Z' })).toMatchObject([
      { log: { event_id: 'f@7#0.1' } },
    ]);
    expect(outcomesOf(second, started)).toEqual([{ kind: 'skip' }]);
  });

  test('of which one is of no use: it is a dead letter that leads back to its record', () => {
    expect(outcomesOf(config, { ...started, to: 'now' })).toMatchObject([
      { kind: 'log' },
      { kind: 'dead_letter', dead_letter: { event_id: 'f@7#0.1', meta: { record_id: 'f@7' } } },
    ]);
  });

  test('of a part of a record', () => {
    const ids = outcomesOf(config, [started, { ...started, to: '2026-01-01T00:00:01Z' }]).map(
      (outcome) => outcome.kind === 'log' && outcome.log.event_id,
    );
    expect(ids).toEqual(['f@7', 'f@7#1', 'f@7#1.1']);
  });
});

describe('skip', () => {
  const log = { transaction_id: 'T1', step: 'hub', status: 'info', event_time: '2026-01-01T00:00:00Z' };

  test.each([
    ['{ field: step, is: hub }', true],
    ['{ field: step, is: [send, receive] }', false],
    ['{ field: step, not: [send, receive] }', true],
    ["{ field: gone, is: '' }", true],
    ['{ field: gone, not: hub }', true],
    ['{ field: step }', true],
    ['{ field: gone }', false],
    ["{ field: transaction_id, matches: '^T\\d$' }", true],
    ['{ any: [{ field: gone }, { field: step }] }', true],
    ['{ all: [{ field: gone }, { field: step }] }', false],
  ])('%s: %s, without a mapping, too', (condition, skips) => {
    expect(outcomesOf(`skip: ${condition}`, log).map(({ kind }) => kind)).toEqual([skips ? 'skip' : 'log']);
  });
});

describe('mistakes', () => {
  const mistakesIn = (mapping: string) =>
    checkConfig(
      `in: { type: file, name: a, paths: [x], ${mapping} }`,
      v.strictObject({ in: inputSchema }),
      {},
    ).mistakes?.map(({ key, reason }) => `${key} ${reason}`);

  test('are told in words', () => {
    expect(mistakesIn('mapping: { transaction_id: [a, b] }')).toEqual([
      'in.mapping.transaction_id must be the name of a field, or an object with `field`, `constant` or `template`; of several fields, { field: [a, b] } takes the first that is not empty',
    ]);
    expect(mistakesIn('mapping: [a]')).toEqual(['in.mapping must be an object, not a list']);
    expect(mistakesIn('mapping: { logs: [] }')).toEqual(['in.mapping.logs must have at least one log']);
    expect(mistakesIn('mapping: { logs: [{ when: { field: a, is: b, not: c } }] }')).toEqual([
      'in.mapping.logs[0].when must have at most one of `is`, `not` and `matches`',
    ]);
    expect(mistakesIn('skip: { field: a, matches: "(" }')?.[0]).toContain('in.skip.matches is not a pattern');
    expect(mistakesIn('mapping: { node: { constant: a, join: b } }')).toEqual([
      'in.mapping.node has `join` without `field`',
    ]);
    expect(mistakesIn('mapping: { node: { field: a, unit: km } }')?.[0]).toContain(
      'must be one of ns, us, ms',
    );
  });
});
