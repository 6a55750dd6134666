import { describe, expect, test } from 'vitest';
import { checkConfig } from '../common/config.ts';
import { tranweaveConfigSchema } from '../scripts/tranweave-config.ts';

const CSV = "decoder: { type: delimited, delimiter: '|', columns: [time, id, s] }";

/** What is wrong with an input that has these settings and rules, the first of them in line 9. */
function mistakesIn(decoder: string, ...rules: string[]): string[] {
  const text = `inputs:
  - type: file
    name: hub
    paths: [/logs/*.log]
    ${decoder}
    mapping:
      step: { constant: hub }
      interface_id: { constant: order }
${rules.map((rule) => `      ${rule}\n`).join('')}`;
  return (checkConfig(text, tranweaveConfigSchema, {}).mistakes ?? []).map(
    ({ line, key, reason }) => `${line} ${key.replace('inputs[0].mapping.', '')} ${reason}`,
  );
}

describe('a value that stands in the config and that no log may have is a mistake:', () => {
  test.each([
    ['status: { constant: fine }', [/^9 status\.constant is "fine", and status must be /]],
    [
      'status: { field: s, values: { x: okay, y: failed }, default: done }',
      [/^9 status\.values\.x is "okay", and status must/, /^9 status\.default is "done", and status must/],
    ],
    [
      'event_time: { constant: yesterday }',
      [/^9 event_time\.constant is "yesterday", and event_time is not/],
    ],
    ['event_time: { field: time, default: now }', [/^9 event_time\.default is "now"/]],
    [
      'event_time: { constant: yesterday, time: yyyyMMdd }',
      [/^9 event_time\.constant is "yesterday", and event_time cannot be made of it: .* is not a time/],
    ],
    ['attempt: { field: s, values: { x: many } }', [/^9 attempt\.values\.x is "many", and attempt/]],
    ['logs: [{ status: { constant: fine } }]', [/^9 logs\[0\]\.status\.constant is "fine"/]],
  ])('%s', (rule, expected) => {
    expect(mistakesIn('', rule)).toEqual(expected.map((words) => expect.stringMatching(words) as string));
  });

  test.each([
    ['status: { field: s, values: { x: failed }, default: info }'],
    ['status: { field: s, values: { x: "" } }'],
    ['event_time: { constant: 20260131, time: yyyyMMdd }'],
    ['event_time: { field: time, values: { x: "20260131" }, default: "20260131", time: yyyyMMdd }'],
    ['duration_ms: { field: s, values: { fast: 1s }, default: 5, unit: ms }'],
    ['attempt: { constant: "3" }'],
    ['attributes: { any: { constant: thing } }'],
  ])('and one that some may have is none: %s', (rule) => {
    expect(mistakesIn('', rule)).toEqual([]);
  });
});

describe('a column that the decoder does not give is a mistake:', () => {
  test.each([
    ['transaction_id: idd', '9 transaction_id reads idd, which'],
    ['error_code: { field: misspelt, default: none }', '9 error_code reads misspelt, which'],
    ['node: { field: [host, server] }', '9 node reads host, server, which'],
    ["node: '{id}'", '9 node reads {id}, which'],
    ["node: { template: '{id}-{nr}' }", '9 node reads nr, which'],
    ['business_keys: { customer: cust }', '9 business_keys.customer reads cust, which'],
    ['logs: [{ node: host }]', '9 logs[0].node reads host, which'],
  ])('%s', (rule, words) => {
    expect(mistakesIn(CSV, rule)).toEqual([`${words} the decoder does not give; it gives time, id, s`]);
  });

  test('of fields of fixed length, too', () => {
    const decoder = `decoder: { type: fixed-length, fields: [{ name: id, bytes: 4 }, { bytes: 2 }, { name: items, times: 2, fields: [{ name: code, bytes: 2 }] }] }`;
    expect(mistakesIn(decoder, 'transaction_id: id', 'node: items.0.code', 'error_code: code')).toEqual([
      '11 error_code reads code, which the decoder does not give; it gives id, items',
    ]);
  });

  test.each([
    ['one of several', CSV, 'node: { field: [host, s] }'],
    ['what is known of the file', CSV, 'node: meta.path'],
    ['a column with a dot', 'decoder: { type: delimited, columns: [order.id] }', 'node: order.id'],
    ['names that a header brings', 'decoder: { type: delimited }', 'node: host'],
    ['names that records bring', 'decoder: { type: key-value }', 'node: host'],
    ['paths in JSON', '', 'node: a.b'],
  ])('but not %s', (_name, decoder, rule) => {
    expect(mistakesIn(decoder, rule)).toEqual([]);
  });
});
