import fc from 'fast-check';
import type { MergeLog } from '../merge.ts';

/**
 * Logs of one transaction as bad as they come: few distinct times, steps and ids, so that equal timestamps, repetitions, retries
 * and branches are the rule. Every log has an event id of its own; repetitions are made by the properties.
 */
export function logsOfOneTransaction(max = 12): fc.Arbitrary<MergeLog[]> {
  return fc
    .array(oneLog, { minLength: 1, maxLength: max })
    .map((logs) => logs.map((log, index) => ({ ...log, event_id: `e${index}` })));
}

const time = fc.integer({ min: 0, max: 5 }).map((s) => `2026-01-31T09:15:0${s}.000000Z`);
const word = fc.constantFrom('a', 'b', '__proto__', 'constructor', '가');

const oneLog: fc.Arbitrary<MergeLog> = fc.record(
  {
    transaction_id: fc.constant('T1'),
    step: fc.constantFrom('send', 'hub', 'receive', 'extra'),
    branch: fc.constantFrom('', 'wms', 'crm'),
    attempt: fc.integer({ min: 1, max: 3 }),
    status: fc.constantFrom('started', 'succeeded', 'failed', 'skipped', 'info'),
    event_time: time,
    event_id: fc.constant(''),
    interface_id: fc.constantFrom('order', 'invoice'),
    duration_ms: fc.constantFrom(0, 500, 1500.25),
    node: word,
    error_code: word,
    error_message: word,
    business_keys: fc.array(fc.tuple(word, word), { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs)),
    source_system: word,
  },
  { requiredKeys: ['transaction_id', 'step', 'branch', 'attempt', 'status', 'event_time', 'event_id'] },
);
