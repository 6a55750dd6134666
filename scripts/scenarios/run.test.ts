import { describe, expect, test } from 'vitest';
import { checkConfig } from '../../common/config.ts';
import { tranweaveConfigSchema } from '../tranweave-config.ts';
import { rulesOf } from './play.ts';
import { countResults, reportFailure } from './report.ts';
import { runScenario } from './run.ts';
import { scenariosFileSchema } from './schema.ts';

const rulesIn = (text: string) => rulesOf(checkConfig(text, tranweaveConfigSchema, {}).config!);
const rules = rulesIn('flows: [{ interface: order, steps: [send, receive], deadline: 10m }]');
const run = (scenario: string, by = rules) => {
  const { config, mistakes } = checkConfig(`scenarios:\n${scenario}`, scenariosFileSchema, {});
  expect(mistakes).toBeUndefined();
  return runScenario(config!.scenarios[0]!, by);
};

test('a scenario passes that holds in every order, once and twice', () => {
  const result = run(`
  - name: an order
    interface_id: order
    logs: [{ step: send, status: failed }, { step: send, attempt: 2, status: succeeded }, { step: receive, status: succeeded }]
    expect: { status: completed }`);
  expect(result).toMatchObject({ ways: 12, failed: 0 });
  expect(result.failure).toBeUndefined();
  expect(reportFailure('x.yml:2', result)).toBe('');
});

test('a failure is told with the field, what was expected and found, the flow, and the logs in their order', () => {
  const result = run(`
  - name: 주문
    interface_id: order
    logs:
      - { step: receive, status: failed, error_code: E1, after: 1m }
      - { step: send, branch: 서울, status: succeeded, business_keys: { order_no: 7 } }
    expect:
      - { at: 30s, status: completed }
      - { status: failed, error_code: null, business_keys: { account: 5 }, steps: [{ step: hub }, { step: send, branch: 서울, attempt: 2 }] }`);
  expect(reportFailure('x.yml:2', result)).toBe(
    `
x.yml:2  주문

    at   field                    expected     found
    30s  status                   completed    in_progress
         error_code               not known    E1
         business_keys.account    5            not known
         steps.hub                a log of it  none
         steps.send/서울.attempt  2            1

  flow of the interface order: send, then receive; all within 10m

  with the logs in this order, and so in all of the 2 ways that were tried:

    log  after  step     branch  status     event_time
    2           send     서울    succeeded  2026-01-01T00:00:01.000000Z
    1    1m     receive          failed     2026-01-01T00:01:00.000000Z
`.trimStart(),
  );
  expect(countResults([result])).toBe('0 scenarios passed, 1 failed');
});

test('an answer that depends on the order fails, with the first order that gives another', () => {
  const result = run(`
  - name: which attempt of two that began at one moment is seen first
    interface_id: order
    logs:
      - { step: send, status: failed }
      - { step: receive, status: succeeded }
      - { step: send, attempt: 2, status: succeeded, after: 1h }
      - { step: send, attempt: 2, status: started, after: 1h }
    expect: { status: completed, late: false }`);
  expect(result).toMatchObject({
    ways: 8,
    failed: 4,
    failure: {
      way: { order: [0, 1, 3, 2], twice: false },
      differences: [{ field: 'late', expected: 'false', found: 'true' }],
    },
  });
  expect(reportFailure('x.yml:2', result)).toContain(
    'with the logs in this order; 4 of the 8 ways that were tried fail:',
  );
});

describe('a transaction that Redis has forgotten', () => {
  const brief = rulesIn(
    'processor: { finished_retention: 1d, open_retention: 10d }\ndefault_flow: { steps: [send, receive], deadline: 11d }',
  );
  const known = (after: string) => `
  - name: x
    logs: [{ step: send, status: succeeded }, { step: receive, status: succeeded }, { step: send, status: info, after: ${after} }]
    expect: [{ at: 1h, status: completed }, { status: completed }]`;

  test('fails where a log would begin it anew', () => {
    expect(run(known('23h'), brief).failed).toBe(0);
    expect(run(known('24h'), brief).failure?.differences).toEqual([
      {
        field: 'transaction',
        expected: 'still known after 1d',
        found: 'forgotten 1d after its last change (processor.finished_retention)',
      },
    ]);
  });

  test('is none that waits for its deadline, however short the retention', () => {
    const waiting = (at: string, status: string) => `
  - name: x
    logs: [{ step: send, status: succeeded }]
    expect: { at: ${at}, status: ${status} }`;
    expect(run(waiting('263h', 'in_progress'), brief).failed).toBe(0);
    expect(run(waiting('264h', 'timed_out'), brief).failed).toBe(0);
  });
});

describe('how a scenario is tried', () => {
  const scenario = (settings: string) => `
  - name: x
    interface_id: order
    logs: [{ step: send, status: succeeded }, { step: receive, status: succeeded }, { step: send, status: info, after: 1h }]
    expect: { status: completed }
    ${settings}`;

  test.each([
    ['', 4],
    ['twice: false', 2],
    ['order: as given', 2],
    ['{ order: as given, twice: false }', 1],
  ])('%j: %i ways', (settings, ways) => {
    const lines = settings.replace(/^\{ (.*) \}$/, '$1').replaceAll(', ', '\n    ');
    expect(run(scenario(lines)).ways).toBe(ways);
  });
});

test.each([
  [0, 1, '1 scenario passed'],
  [0, 3, '3 scenarios passed'],
  [2, 1, '1 scenario passed, 2 failed'],
])('%i failed and %i passed: %s', (failed, passed, words) => {
  const ok = run(`
  - name: x
    logs: [{ step: send, status: succeeded }]
    expect: { late: false }`);
  const bad = run(`
  - name: x
    logs: [{ step: send, status: succeeded }]
    expect: { late: true }`);
  expect(
    countResults([...Array.from({ length: failed }, () => bad), ...Array.from({ length: passed }, () => ok)]),
  ).toBe(words);
});
