import { describe, expect, test } from 'vitest';
import { checkConfig } from '../../common/config.ts';
import { scenariosFileSchema } from './schema.ts';

const check = (text: string) => checkConfig(text, scenariosFileSchema, {});
const mistakesIn = (text: string) =>
  (check(text).mistakes ?? []).map(({ line, column, key, reason }) => `${line}:${column} ${key} ${reason}`);
const scenarioOf = (text: string) => {
  const { config, mistakes } = check(text);
  expect(mistakes).toBeUndefined();
  return config!.scenarios[0]!;
};

describe('a log of a scenario', () => {
  test('takes what it does not say from its scenario, its place and when it is collected', () => {
    const { logs } = scenarioOf(`
scenarios:
  - name: an order
    interface_id: order
    logs:
      - { step: send, status: succeeded }
      - { step: hub, status: started, after: 1m30s, interface_id: null }
      - { step: hub, status: succeeded, event_time: -2s, interface_id: other, event_id: mine, business_keys: { no: 7 } }
    expect: { status: in_progress }`);
    const collected = {
      channel: 'scenario',
      input: 'scenario',
      transaction_id: 'an order',
      branch: '',
      attempt: 1,
    };
    expect(logs).toEqual([
      {
        after: 0,
        log: {
          ...collected,
          interface_id: 'order',
          step: 'send',
          status: 'succeeded',
          event_id: 'log-0001',
          event_time: '2026-01-01T00:00:00.000000Z',
          ingest_time: '2026-01-01T00:00:00.000000Z',
        },
      },
      {
        after: 90_000,
        log: {
          ...collected,
          step: 'hub',
          status: 'started',
          event_id: 'log-0002',
          event_time: '2026-01-01T00:01:31.000000Z',
          ingest_time: '2026-01-01T00:01:30.000000Z',
        },
      },
      {
        after: 0,
        log: {
          ...collected,
          interface_id: 'other',
          step: 'hub',
          status: 'succeeded',
          event_id: 'mine',
          event_time: '2025-12-31T23:59:58.000000Z',
          ingest_time: '2026-01-01T00:00:00.000000Z',
          business_keys: { no: '7' },
        },
      },
    ]);
  });

  test('belongs to the transaction that the first of them names', () => {
    const { logs } = scenarioOf(`
scenarios:
  - name: x
    logs: [{ step: a, status: started }, { step: a, status: failed, transaction_id: T1 }]
    expect: { transaction_id: T1 }`);
    expect(logs.map(({ log }) => log.transaction_id)).toEqual(['T1', 'T1']);
  });
});

test('one look is a list of one, and times in it may count from the beginning', () => {
  const { looks, order, twice } = scenarioOf(`
scenarios:
  - name: x
    logs: [{ step: a, status: started }]
    expect: { at: 2h, started_at: '2026-01-01T09:00:00+09:00', deadline_at: 1h, ended_at: null, steps: [{ step: a }] }`);
  expect({ order, twice }).toEqual({ order: 'any', twice: true });
  expect(looks).toEqual([
    {
      at: 7_200_000,
      started_at: '2026-01-01T00:00:00.000000Z',
      deadline_at: '2026-01-01T01:00:00.000000Z',
      ended_at: null,
      steps: [{ step: 'a', branch: '' }],
    },
  ]);
});

describe('mistakes are named with their line', () => {
  test('in a log, by the rules of the standard log', () => {
    const text = `
scenarios:
  - name: x
    logs:
      - { step: a, status: done }
      - { status: started, transaction_id: 5, event_time: yesterday }
      - step: a
        status: started
        colour: red
        ingest_time: 1s
        attributes: { constructor: x }
      - { step: a, status: started, after: 5 }
      - send
    expect: { late: true }`;
    expect(mistakesIn(text)).toEqual([
      '5:20 scenarios[0].logs[0].status must be one of started, succeeded, failed, skipped, info',
      '6:9 scenarios[0].logs[1].step is required',
      '6:28 scenarios[0].logs[1].transaction_id must be a text',
      '6:47 scenarios[0].logs[1].event_time is not an RFC 3339 time with its zone, like "2026-01-31T18:15:00.123456+09:00"',
      '9:9 scenarios[0].logs[2].colour is not a field of the standard log; put it under attributes',
      '10:9 scenarios[0].logs[2].ingest_time is set when the log is collected; `after` says when that is',
      '11:9 scenarios[0].logs[2].attributes has the key constructor, which cannot be kept; give it another name',
      '12:37 scenarios[0].logs[3].after must be a duration with its unit, like 500ms, 10s, 5m, 24h or 90d',
      '13:9 scenarios[0].logs[4] must be an object with the fields of a standard log',
    ]);
  });

  test('in the list of logs', () => {
    const text = `
scenarios:
  - name: x
    logs: [{ step: a, status: started, after: 1s }]
    expect: { late: true }
  - name: y
    logs:
      - { step: a, status: started, transaction_id: T1 }
      - { step: a, status: started }
      - { step: a, status: started, transaction_id: T2 }
    expect: { late: true }`;
    expect(mistakesIn(text)).toEqual([
      '4:5 scenarios[0].logs must begin with a log without `after`, which counts from it',
      '10:37 scenarios[1].logs[2].transaction_id is another transaction than T1; a scenario tells of one',
    ]);
  });

  test('in what is expected', () => {
    const text = `
scenarios:
  - name: x
    logs: [{ step: a, status: started }]
    expect: { status: done, started_at: noon, at: soon, steps: [{ status: info }, { step: a, sate: x }] }
  - name: y
    logs: [{ step: a, status: started }]
    expect: [{ at: 1h }, { version: 3 }, { at: 4000d, late: true }, late]
  - name: z
    logs: [{ step: a, status: started }]
    expect: late`;
    expect(mistakesIn(text)).toEqual([
      '5:15 scenarios[0].expect.status must be one of in_progress, completed, failed, timed_out',
      '5:29 scenarios[0].expect.started_at is neither an RFC 3339 time with its zone, like "2026-01-01T09:00:05+09:00", nor a duration since the first log was collected, like 5s',
      '5:47 scenarios[0].expect.at must be a duration with its unit, like 500ms, 10s, 5m, 24h or 90d',
      '5:65 scenarios[0].expect.steps[0].step is required',
      '5:67 scenarios[0].expect.steps[0].status must be one of started, succeeded, failed, skipped',
      '5:94 scenarios[0].expect.steps[1].sate is not known here; is it misspelt or indented wrongly?',
      '8:14 scenarios[1].expect[0] must say what is expected',
      '8:28 scenarios[1].expect[1].version is not known here; is it misspelt or indented wrongly?',
      '8:44 scenarios[1].expect[2].at must be at most 3650d',
      '8:69 scenarios[1].expect[3] must be an object',
      '11:5 scenarios[2].expect must be an object',
    ]);
  });

  test.each([
    ['', '1:1 scenarios is required'],
    ['scenarios: []', '1:1 scenarios must have at least one scenario'],
    [
      'scenarios: [{ name: x, logs: [], expect: { late: true } }]',
      '1:24 scenarios[0].logs must have at least one log',
    ],
    [
      'scenarios: [{ name: x, logs: [{ step: a, status: failed }], expect: [] }]',
      '1:61 scenarios[0].expect must have at least one look',
    ],
    [
      'scenarios:\n  - &x { name: x, logs: [{ step: a, status: failed }], expect: { late: true } }\n  - { name: x, logs: [{ step: a, status: failed }], expect: { late: true } }',
      '3:7 scenarios[1].name is used twice: x',
    ],
    [
      'scenarios: [{ name: x, order: random, twice: 2, logs: [{ step: a, status: failed }], expect: { late: true } }]',
      '1:24 scenarios[0].order must be `any` or `as given`',
    ],
    [
      `scenarios: [{ name: x, interface_id: ${'i'.repeat(257)}, logs: [{ step: a, status: failed }], expect: { late: true } }]`,
      '1:24 scenarios[0].interface_id is longer than 256 bytes',
    ],
  ])('%j', (text, mistake) => {
    expect(mistakesIn(text)).toContain(mistake);
  });
});
