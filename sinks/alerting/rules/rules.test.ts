import { expect, test } from 'vitest';
import type { Count } from '../count.ts';
import { createEngine } from '../engine.ts';
import { alertsConfig, bucket, count, durations, RESOLUTION, START } from '../testing/buckets.ts';
import { messagesOf, tell } from '../testing/story.ts';
import type { Story } from '../testing/story.ts';

/** What each kind of rule makes of counts. */

const ended = (completed: number, bad: number, kind: 'failed' | 'timed_out' = 'failed'): Count[] => [
  ...(completed > 0 ? [count('completed', { interface: 'order' }, completed)] : []),
  ...(bad > 0 ? [count(kind, { interface: 'order', step: 'hub' }, bad)] : []),
];

test('failure_rate: more than 5% of those that ended, if there were enough', () => {
  const rule = {
    name: 'r',
    type: 'failure_rate',
    window: '20s',
    above: '5%',
    resolve_at: '1%',
    at_least: 20,
  };
  // 1 of 2; 6 of 100; 3 of 100 is between the bounds; then none.
  const story: Story = {
    0: ended(1, 1),
    2: ended(94, 6),
    4: ended(97, 3),
    6: ended(100, 0),
    7: ended(100, 0),
  };
  expect(tell([rule], story)).toEqual(['2 firing r order 6', '6 resolved r order 9']);
  const onlyFailed = tell([{ ...rule, counts: ['failed'] }], { 0: ended(90, 10, 'timed_out') });
  expect(onlyFailed).toEqual([]);
});

test('failure_rate: one that was cleared and completed then is one that went well', () => {
  const rule = { name: 'r', type: 'failure_rate', window: '2m', above: '5%', for: '20s' };
  const cleared = {
    kind: 'failed' as const,
    labels: { interface: 'order', step: 'hub' },
    bucket: START,
    n: 6,
  };
  const story: Story = { 0: ended(94, 6), 1: bucket(1, ended(6, 0), [cleared]) };
  expect(tell([rule], story)).toEqual([]);
  expect(tell([rule], { 0: ended(94, 6) })).toHaveLength(1);
});

test('timed_out, slow and dead_letters count theirs', () => {
  const rules = [
    { name: 't', type: 'timed_out', window: '30s' },
    { name: 's', type: 'slow', longer_than: '30s', window: '30s' },
    { name: 's5', type: 'slow', longer_than: '5s', window: '30s' },
    { name: 'd', type: 'dead_letters', window: '30s', above: 1, where: { input: 'files' } },
  ];
  const counts = [
    count('timed_out', { interface: 'order', step: 'receive', branch: 'wms' }, 3),
    count('slow', { interface: 'order', longer_than: '30000' }, 2),
    count('dead_letter', { input: 'files', stage: 'decode' }, 2),
    count('dead_letter', { input: 'api', stage: 'decode' }, 9),
  ];
  expect(tell(rules, { 0: counts }, { places: 2 })).toEqual([
    '0 firing t order/receive/wms 3',
    '0 firing s order 2',
    '0 firing d files/decode 2',
  ]);
});

test('dead_letters: with `grows_by` only if there are more than usual', () => {
  const rule = { name: 'd', type: 'dead_letters', window: '10s', above: 2, grows_by: 2, baseline: '1m' };
  const letters = (n: number) => [count('dead_letter', { input: 'files', stage: 'decode' }, n)];
  // Four each ten seconds are usual; nine are more than twice that.
  const story = Object.fromEntries([0, 1, 2, 3, 4, 5, 6].map((place) => [place, letters(4)]));
  expect(tell([rule], { ...story, 7: letters(8) }, { places: 8 })).toEqual([
    '0 firing d files/decode 4',
    '3 resolved d files/decode 16',
  ]);
  expect(tell([rule], { ...story, 7: letters(9) }, { places: 8 }).at(-1)).toBe('7 firing d files/decode 9');
});

test('duration_quantile: p95 over its bound, of enough transactions', () => {
  const rule = { name: 'p', type: 'duration_quantile', window: '20s', above: '10s', resolve_at: '5s' };
  const story: Story = {
    0: [durations(3, 60_000)],
    3: [durations(90, 1000), durations(10, 12_000)],
    5: [durations(100, 7000)],
    7: [durations(100, 1000)],
  };
  const engine = createEngine(alertsConfig({ rules: [rule] }));
  const messages = messagesOf(engine, story, 0, 12);
  expect(messages.map(({ at, kind }) => [(at - START) / RESOLUTION - 1, kind])).toEqual([
    [3, 'firing'],
    [7, 'resolved'],
  ]);
  expect(messages[0]!.value / 12_000).toBeCloseTo(1, 1);
});

test('queue_time: with `grows_by` only if it is longer than it was', () => {
  const rule = { name: 'q', type: 'queue_time', window: '10s', above: '1s', grows_by: 3, baseline: '1m' };
  const queue = (ms: number) => [
    { ...durations(20, ms), kind: 'queue' as const, labels: { interface: 'order', step: 'hub' } },
  ];
  const usual = { 0: queue(900), 1: queue(900), 2: queue(900) };
  expect(tell([rule], { ...usual, 3: queue(2000) }, { places: 4 })).toEqual([]);
  expect(tell([rule], { ...usual, 3: queue(4000) }, { places: 4 })).toEqual(['3 firing q order/hub 20']);
});

test('no_transactions: only business time is silence, and what was silent before the hours ended still is after them', () => {
  const calendars = [
    {
      name: 'office',
      time_zone: 'UTC',
      hours: [
        { days: ['fri'], from: '00:00', to: '00:01' },
        { days: ['fri'], from: '00:02', to: '00:10' },
      ],
    },
  ];
  const rule = {
    name: 'n',
    type: 'no_transactions',
    where: { interface: 'order' },
    window: '50s',
    calendar: 'office',
  };
  const came = [count('came', { interface: 'order' })];
  // The last at place 2; 30 s until the hours end, 20 s more after they begin again at place 12.
  expect(tell([rule], { 2: came, 16: came }, { places: 30, more: { calendars } })).toEqual([
    '13 firing n order 0',
    '16 resolved n order 0',
    '21 firing n order 0',
  ]);
  const without = tell(
    [{ ...rule, calendar: undefined }].map(({ calendar: _, ...rest }) => rest),
    { 2: came },
    { places: 12 },
  );
  expect(without).toEqual(['7 firing n order 0']);
});

test('no_transactions: an interface of a pattern is watched once it has been seen, one that is named from the beginning', () => {
  const named = {
    name: 'n',
    type: 'no_transactions',
    where: { interface: ['order', 'shop-*'] },
    window: '40s',
  };
  expect(tell([named], { 1: [count('came', { interface: 'shop-1' })] }, { places: 7 })).toEqual([
    '3 firing n order 0',
    '5 firing n shop-1 0',
  ]);
  expect(
    tell([{ ...named, group_by: [] }], { 1: [count('came', { interface: 'shop-1' })] }, { places: 7 }),
  ).toEqual(['5 firing n  0']);
});

test('no_transactions: nobody is reminded of silence outside of the hours', () => {
  const hours = [{ days: ['fri'], from: '00:00', to: '00:01' }];
  const calendars = [{ name: 'office', time_zone: 'UTC', hours }];
  const rule = {
    name: 'n',
    type: 'no_transactions',
    where: { interface: 'order' },
    window: '20s',
    repeat: '30s',
  };
  expect(tell([{ ...rule, calendar: 'office' }], {}, { places: 20, more: { calendars } })).toEqual([
    '1 firing n order 0',
    '4 repeat n order 0',
  ]);
  expect(tell([rule], {}, { places: 10 })).toEqual([
    '1 firing n order 0',
    '4 repeat n order 0',
    '7 repeat n order 0',
  ]);
});
