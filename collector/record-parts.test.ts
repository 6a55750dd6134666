import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { inputSchema } from './inputs/registry.ts';
import { pipelineOf } from './main.ts';
import type { Outcome } from './outcome.ts';
import { partsIn, RecordParts } from './record-parts.ts';
import type { Part } from './record-parts.ts';

const clock = { now: () => Date.UTC(2026, 0, 31), sleep: () => Promise.resolve() };
const good = { transaction_id: 'T1', step: 's', status: 'info', event_time: '2026-01-31T00:00:00Z' };

function outcomesOf(text: string, more: object = {}): Outcome[] {
  const pipeline = pipelineOf(
    v.parse(inputSchema, { type: 'file', name: 'in', paths: ['x'], ...more }),
    clock,
  );
  return pipeline.fromBytes({ bytes: Buffer.from(text), event_id: 'f@0', meta: { path: 'x' } });
}

function lettersIn(outcomes: readonly Outcome[]) {
  return outcomes.filter((outcome) => outcome.kind === 'dead_letter');
}

describe('a record of many parts', () => {
  test('is one dead letter with one copy of it, however many of them are refused', () => {
    const json = JSON.stringify(Array.from({ length: 5000 }, (_, order) => ({ order })));
    const xml = `<r>${'<o><n>1</n></o>'.repeat(5000)}</r>`;
    const mapping = { transaction_id: 'id', step: 's', status: 'x', event_time: 't' };
    for (const [text, more] of [
      [json, {}],
      [xml, { decoder: { type: 'xml', records: ['o'] }, mapping }],
    ] as const) {
      const outcomes = outcomesOf(text, more);
      expect(outcomes).toMatchObject([
        { kind: 'dead_letter', parts: 5000, dead_letter: { event_id: 'f@0', meta: { path: 'x' } } },
      ]);
      const [letter] = lettersIn(outcomes);
      expect(Buffer.from(letter!.dead_letter.raw_base64, 'base64').toString()).toBe(text);
      expect(letter!.dead_letter.reason).toContain('5000 of 5000 parts of the record were refused: ');
      expect(letter!.issues.length).toBeLessThanOrEqual(100);
    }
  });

  test('keeps what can be taken, and its dead letter says what was, and why the others were not', () => {
    const bad = [
      { ...good, step: '' },
      { ...good, status: 'done' },
    ];
    const outcomes = outcomesOf(JSON.stringify([good, good, bad[0], good, bad[1], bad[0], good]));
    expect(outcomes.map((outcome) => (outcome.kind === 'log' ? outcome.log.event_id : outcome.kind))).toEqual(
      ['f@0', 'f@0#1', 'dead_letter', 'f@0#3', 'f@0#6'],
    );
    expect(lettersIn(outcomes)).toMatchObject([
      {
        parts: 3,
        dead_letter: {
          event_id: 'f@0#2',
          stage: 'validate',
          reason:
            '3 of 7 parts of the record were refused: step is required (2 of them); ' +
            'status must be one of started, succeeded, failed, skipped, info (1 of them)',
          meta: { record_id: 'f@0', taken_parts: '0-1,3,6' },
        },
      },
    ]);
  });

  test('of which one is refused has its reason as it is', () => {
    const [, letter] = outcomesOf(JSON.stringify([good, { ...good, step: '' }]));
    expect(letter).toMatchObject({ dead_letter: { event_id: 'f@0#1', reason: 'step is required' } });
    expect(letter).not.toHaveProperty('parts');
  });

  test('with as many reasons as parts tells some of them, and how many there are', () => {
    const text = JSON.stringify(Array.from({ length: 500 }, (_, i) => ({ ...good, [`odd${i}`]: i })));
    const [letter] = lettersIn(outcomesOf(text));
    expect(letter?.dead_letter.reason).toContain('; other reasons (490 of them)');
    expect(letter?.dead_letter.reason.length).toBeLessThan(2000);
  });
});

test('which parts were taken is read as it was written', () => {
  const part = fc.record({ object: fc.nat(30), log: fc.nat(2) });
  fc.assert(
    fc.property(fc.uniqueArray(part, { selector: ({ object, log }) => object * 3 + log }), (given) => {
      const ordered = given.toSorted((a, b) => a.object - b.object || a.log - b.log);
      const parts = new RecordParts();
      for (const one of ordered) parts.take(one, {} as never);
      parts.refuse({ object: 99, log: 0 }, { stage: 'map', reason: '', issues: [] });
      let text = '';
      parts.outcomes(({ taken }) => {
        text = taken;
        return { kind: 'skip' };
      });
      const isTaken = partsIn(text);
      const every = Array.from({ length: 93 }, (_, i): Part => ({ object: Math.floor(i / 3), log: i % 3 }));
      expect(every.filter(isTaken)).toEqual(ordered);
    }),
  );
});
