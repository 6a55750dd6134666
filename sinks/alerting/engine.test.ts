import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEngine } from './engine.ts';
import type { Engine } from './engine.ts';
import type { AlertMessage } from './message.ts';
import type { Silence } from './quiet.ts';
import { alertsConfig, bucket, count, durations, endOf, failures, START } from './testing/buckets.ts';
import { bucketOf, inWords, messagesOf, tell } from './testing/story.ts';
import type { Story } from './testing/story.ts';

/** States of alerts, and who is told. */

const failed = { name: 'f', type: 'failed', window: '30s' };

describe('states', () => {
  test('4,000 failures with one error are one message, which says how many, and one that it is over', () => {
    const engine = createEngine(alertsConfig({ rules: [failed] }));
    const [first, second, ...others] = messagesOf(engine, { 1: [failures(4000, {}, endOf(0) + 5)] }, 0, 12);
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      kind: 'firing',
      count: 4000,
      samples: ['T1', 'T2', 'T3'],
      error_message: 'no route',
      target_system: 'WMS',
      since: endOf(0) + 5,
      last_at: endOf(0) + 5,
    });
    expect(second).toMatchObject({ kind: 'resolved', count: 4000, number: 2, alert_id: first!.alert_id });
    expect(second!.id).not.toBe(first!.id);
  });

  test('an alert is told once it has held for `for`, and not at all if it is over by then', () => {
    const rule = { ...failed, for: '20s' };
    expect(tell([rule], { 0: [failures(1)] })).toEqual([
      '2 firing f order/hub//E1 1',
      '3 resolved f order/hub//E1 1',
    ]);
    expect(tell([{ ...failed, for: '40s' }], { 0: [failures(1)] })).toEqual([]);
  });

  test('what a later attempt has cleared does not count any more', () => {
    const cleared = { kind: 'failed' as const, labels: failures(1).labels, bucket: START, n: 2 };
    const story: Story = { 0: [failures(2)], 1: bucket(1, [], [cleared]) };
    expect(tell([{ ...failed, for: '20s' }], story)).toEqual([]);
    const engine = createEngine(alertsConfig({ rules: [failed] }));
    const [, resolved] = messagesOf(engine, story, 0, 4);
    expect(resolved).toMatchObject({ kind: 'resolved', at: endOf(1), count: 2, cleared: 2 });
  });

  test('between the bounds an alert goes on, but none begins', () => {
    const rule = { ...failed, window: '10s', above: 10, resolve_at: 3 };
    expect(tell([rule], { 0: [failures(5)], 1: [failures(11)], 2: [failures(5)], 3: [failures(3)] })).toEqual(
      ['1 firing f order/hub//E1 11', '3 resolved f order/hub//E1 19'],
    );
  });

  test('one that comes and goes stays one alert with `resolve_after`', () => {
    const rule = { ...failed, window: '10s', resolve_after: '30s' };
    expect(tell([rule], { 0: [failures(1)], 2: [failures(1)], 4: [failures(1)] })).toEqual([
      '0 firing f order/hub//E1 1',
      '8 resolved f order/hub//E1 3',
    ]);
  });

  test('while it fires, it is told how many more there are, and reminded of', () => {
    const rule = { ...failed, window: '20s', update: '20s', repeat: '50s', resolve_after: '2m' };
    const engine = createEngine(alertsConfig({ rules: [rule] }));
    const messages = messagesOf(engine, { 0: [failures(1)], 1: [failures(7)] }, 0, 9);
    expect(messages.map(inWords)).toEqual([
      '0 firing f order/hub//E1 1',
      '2 update f order/hub//E1 8',
      '7 repeat f order/hub//E1 8',
    ]);
    expect(messages.map(({ added, number }) => [added, number])).toEqual([
      [1, 1],
      [7, 2],
      [0, 3],
    ]);
  });

  test('groups are told apart by what the rule says', () => {
    const story: Story = {
      0: [failures(1), failures(2, { error_code: 'E2' }), failures(4, { interface: 'other' })],
    };
    const byError = tell([{ ...failed, group_by: ['error_code'] }], story, { places: 1 });
    expect(byError).toEqual(['0 firing f E1 5', '0 firing f E2 2']);
    expect(tell([{ ...failed, group_by: [], where: { interface: 'o?der' } }], story, { places: 1 })).toEqual([
      '0 firing f  3',
    ]);
  });

  test('a storm of one rule is one message that names the others', () => {
    const many = Array.from({ length: 300 }, (_, at) => failures(1, { error_code: `E${at}` }));
    const engine = createEngine(alertsConfig({ rules: [failed] }));
    const [first, ...others] = engine.step(bucket(0, many), []);
    expect(others).toEqual([]);
    expect(first).toMatchObject({ kind: 'firing', also_count: 299 });
    expect(first!.also).toHaveLength(50);
    expect(messagesOf(engine, {}, 1, 6).map(({ kind, also_count }) => [kind, also_count])).toEqual([
      ['resolved', 299],
    ]);
  });

  test('there are no more alerts of a rule than its bound, and it is told that there would be', () => {
    const many = Array.from({ length: 700 }, (_, at) => failures(1, { error_code: `E${at}` }));
    const engine = createEngine(alertsConfig({ rules: [failed] }));
    engine.step(bucket(0, many), []);
    expect([engine.alerts().length, engine.overflow()]).toEqual([500, 200]);
  });
});

describe('who is not told', () => {
  const hub = { name: 'hub', type: 'failed', where: { step: 'hub' }, group_by: ['interface'], window: '20s' };
  const receivers = { name: 'receivers', type: 'timed_out', window: '60s' };
  const late = (interfaceId: string) =>
    count('timed_out', { interface: interfaceId, step: 'receive', branch: 'wms' });
  const inhibit = [{ when: 'hub', quiet: ['receivers'], equal: ['interface'] }];

  test('an alert that another explains; it is told once that one is over', () => {
    const story: Story = { 0: [failures(1)], 1: [late('order'), late('other')] };
    expect(tell([hub, receivers], story, { places: 4, more: { inhibit } })).toEqual([
      '0 firing hub order 1',
      '1 firing receivers other/receive/wms 1',
      '2 resolved hub order 1',
      '2 firing receivers order/receive/wms 1',
    ]);
  });

  test('nobody is told of the end of what they were not told of', () => {
    const short = { ...receivers, window: '10s' };
    expect(
      tell([hub, short], { 0: [failures(1)], 1: [late('order')] }, { places: 4, more: { inhibit } }),
    ).toEqual(['0 firing hub order 1', '2 resolved hub order 1']);
  });

  test('what is silenced, as long as it is', () => {
    const silence = (where: Record<string, string>): Silence => ({
      id: '1',
      where,
      from: START,
      until: endOf(1),
      by: '',
      comment: '',
    });
    const story: Story = { 0: [failures(1), failures(1, { interface: 'other' })] };
    const told = (where: Record<string, string>) =>
      tell([hub], story, { places: 1, silences: [silence(where)] });
    expect(told({ interface: 'ord*' })).toEqual(['0 firing hub other 1']);
    expect(told({ rule: 'hub', severity: 'warning' })).toEqual([]);
    expect(told({ rule: 'hub', severity: 'critical' })).toHaveLength(2);
    expect(tell([{ ...hub, window: '1m' }], story, { places: 3, silences: [silence({})] })).toEqual([
      '1 firing hub order 1',
      '1 firing hub other 1',
    ]);
  });
});

test('whoever takes over at any bucket tells exactly what one that never ended would have told', () => {
  const config = alertsConfig({
    rules: [
      { ...failed, for: '10s', above: 2, resolve_at: 1, resolve_after: '10s', update: '20s', repeat: '40s' },
      { name: 'n', type: 'no_transactions', where: { interface: '*' }, window: '40s' },
      { name: 'r', type: 'failure_rate', window: '30s', at_least: 3 },
      { name: 'd', type: 'duration_quantile', window: '30s', above: '1s', at_least: 2 },
    ],
  });
  const someCounts = fc.array(
    fc.oneof(
      fc.integer({ min: 1, max: 4 }).map((n) => failures(n)),
      fc.integer({ min: 1, max: 4 }).map((n) => count('completed', { interface: 'order' }, n)),
      fc.constantFrom('order', 'other').map((id) => count('came', { interface: id })),
      fc.constantFrom(100, 5000).map((ms) => durations(1, ms)),
    ),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(
      fc.array(someCounts, { minLength: 5, maxLength: 25 }),
      fc.array(fc.nat(24), { maxLength: 4 }),
      (story, cuts) => {
        const whole = messagesOf(createEngine(config), story, 0, story.length);
        let engine = createEngine(config);
        const told: AlertMessage[] = [];
        for (let place = 0; place < story.length; place += 1) {
          if (cuts.includes(place)) {
            engine = createEngine(
              config,
              JSON.parse(JSON.stringify(engine.save())) as ReturnType<Engine['save']>,
            );
            for (let before = Math.max(0, place - 4); before < place; before += 1)
              engine.warm(bucketOf(story, before));
          }
          told.push(...messagesOf(engine, story, place, place + 1));
        }
        expect(told).toEqual(whole);
      },
    ),
  );
});
