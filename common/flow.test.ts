import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { createFlowFinder, describeFlow, flowsEntries } from './flow.ts';

const schema = v.strictObject(flowsEntries);
const parse = (config: unknown) => v.parse(schema, config);

describe('finding the flow of an interface', () => {
  const config = parse({
    flows: [
      { interface: 'order-*', steps: ['send', 'receive'] },
      { interface: 'order-express', steps: ['send'] },
      { interface: 'order-e*', steps: ['never'] },
      { interface: 'inv.?', steps: ['post'] },
    ],
  });
  const find = createFlowFinder(config);
  const stepsOf = (id: string | undefined) => find(id).steps.map((step) => step.step);

  test.each<[string | undefined, string[], string]>([
    ['order-express', ['send'], 'an exact id wins over a pattern that stands before it'],
    ['order-eco', ['send', 'receive'], 'the first pattern wins'],
    ['inv.1', ['post'], 'a question mark is one letter'],
    ['inv.12', ['send', 'hub', 'receive'], 'and not two'],
    ['invx1', ['send', 'hub', 'receive'], 'a dot is a dot'],
    [undefined, ['send', 'hub', 'receive'], 'an unknown interface has the default flow'],
  ])('%s → %j: %s', (id, steps, _why) => {
    expect(stepsOf(id)).toEqual(steps);
    expect(stepsOf(id)).toEqual(steps);
  });
});

test('a flow is told in words', () => {
  const config = parse({
    default_flow: {
      deadline: '1h30m',
      steps: [
        'send',
        { step: 'hub', deadline: '30s' },
        { step: 'receive', branches: ['wms', 'crm'] },
        { step: 'audit', branches: 2, optional: true },
      ],
    },
  });
  expect(describeFlow(config.default_flow)).toBe(
    'send, then hub (within 30s), then receive (branches wms, crm), then audit (any 2 branches; optional); all within 1h30m',
  );
});

test.each([
  [['send', { step: 'receive', branches: 1 }], 'send, then receive (any branch); no deadline'],
  [[{ step: 'receive', branches: ['wms'] }], 'receive (branch wms); no deadline'],
  [[{ step: 'hub', deadline: '1.5s' }, 'send'], 'hub (within 1s500ms), then send; no deadline for the whole'],
])('%j without a deadline of its own: %s', (steps, words) => {
  expect(describeFlow(parse({ default_flow: { steps } }).default_flow)).toBe(words);
});

test.each([
  [{ default_flow: { steps: [] } }, 'must name at least one step'],
  [{ default_flow: { steps: ['a', 'a'] } }, 'names a step twice; use `branches` for a fan-out'],
  [
    { default_flow: { steps: ['a'], deadline: 5 } },
    'must be a duration with its unit, like 500ms, 10s, 5m, 24h or 90d',
  ],
  [
    { default_flow: { steps: [{ step: 'a', optional: true, deadline: '5s' }] } },
    'has no effect on an optional step, since nothing waits for it; leave out one of the two',
  ],
  [{ default_flow: { steps: [{ step: 'a', branches: ['x', 'x'] }] } }, 'names a branch twice'],
  [
    {
      flows: [
        { interface: 'i', steps: ['a'] },
        { interface: 'i', steps: ['b'] },
      ],
    },
    'is used twice: i',
  ],
  [{ flows: [{ steps: ['a'] }] }, 'Invalid key: Expected "interface" but received undefined'],
])('%j is refused', (config, reason) => {
  const result = v.safeParse(schema, config);
  expect(result.issues?.map((issue) => issue.message)).toContain(reason);
});
