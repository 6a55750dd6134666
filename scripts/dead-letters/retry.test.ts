import * as v from 'valibot';
import { expect, test } from 'vitest';
import { pipelineOf } from '../../collector/main.ts';
import type { Outcome } from '../../collector/outcome.ts';
import { tranweaveConfigSchema } from '../tranweave-config.ts';
import { createRetry } from './retry.ts';

const clock = { now: () => Date.UTC(2026, 0, 31), sleep: () => Promise.resolve() };
const LOGS = [
  { step: { constant: 'in' }, event_time: 'from' },
  { when: { field: 'to' }, step: { constant: 'out' }, event_time: 'to' },
];

function configOf(statuses: Record<string, string>, decoder: object = { type: 'json' }) {
  const mapping = { transaction_id: 'id', status: { field: 'code', values: statuses }, logs: LOGS };
  return v.parse(tranweaveConfigSchema, {
    inputs: [{ type: 'file', name: 'in', paths: ['x'], decoder, mapping }],
  });
}

function collected(config: ReturnType<typeof configOf>, text: string): Outcome[] {
  const bytes = Buffer.from(text);
  return pipelineOf(config.inputs[0]!, clock).fromBytes({ bytes, event_id: 'f@0', meta: {} });
}

const idsOf = (outcomes: readonly Outcome[]) =>
  outcomes.flatMap((outcome) => (outcome.kind === 'log' ? [outcome.log.event_id] : []));

const orders = ['OK', 'NG', 'OK', 'NG', 'ODD'].map((code, i) => ({
  id: `T${i}`,
  code,
  from: '2026-01-31T00:00:00Z',
  ...(i % 2 === 0 ? { to: '2026-01-31T00:00:01Z' } : {}),
}));

test('every part of a record that was refused comes once, and none that was taken comes again', () => {
  const text = JSON.stringify(orders);
  const before = collected(configOf({ OK: 'succeeded' }), text);
  const letters = before.flatMap((outcome) => (outcome.kind === 'dead_letter' ? [outcome.dead_letter] : []));
  expect(letters).toHaveLength(1);
  const half = createRetry(configOf({ OK: 'succeeded', NG: 'failed' }), clock)(letters[0]!);
  expect(half).toMatchObject({ kind: 'refused', reason: expect.stringContaining('2 of 4 parts') });
  const mended = configOf({ OK: 'succeeded', NG: 'failed', ODD: 'info' });
  const result = createRetry(mended, clock)(letters[0]!);
  if (result.kind !== 'taken') throw new Error(`is ${result.kind}`);
  expect(idsOf(result.outcomes)).toEqual(['f@0#1', 'f@0#3', 'f@0#4', 'f@0#4.1']);
  const all = idsOf(collected(mended, text));
  expect([...idsOf(before), ...idsOf(result.outcomes)].toSorted()).toEqual(all.toSorted());
});

test('a record that gives more parts than it did comes with all of them', () => {
  const text = '<r><o><id>A</id></o><o><id>B</id></o></r>';
  const [letter] = collected(configOf({ OK: 'info' }, { type: 'xml' }), text);
  if (letter?.kind !== 'dead_letter') throw new Error('is no dead letter');
  const mapping = {
    transaction_id: 'id',
    step: { constant: 's' },
    status: { constant: 'info' },
    event_time: { constant: '2026-01-31T00:00:00Z' },
  };
  const decoder = { type: 'xml', records: ['o'] };
  const inputs = [{ type: 'file', name: 'in', paths: ['x'], decoder, mapping }];
  const result = createRetry(v.parse(tranweaveConfigSchema, { inputs }), clock)(letter.dead_letter);
  expect(result.kind === 'taken' && idsOf(result.outcomes)).toEqual(['f@0', 'f@0#1']);
});
