import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { createFlowFinder, flowsEntries } from '../../common/flow.ts';
import type { MergeLog } from '../../common/merge.ts';
import type { Summary } from '../../common/summary.ts';
import { applyLogs } from '../../processor/transaction-record.ts';
import type { TransactionRecord } from '../../processor/transaction-record.ts';
import { expectedOf } from './expected.ts';
import { judge } from './judge.ts';
import type { Found } from './judge.ts';

const findFlow = createFlowFinder(v.parse(v.object(flowsEntries), {}));
const CREATED_MS = 1_769_850_000_000;

const log = (transaction_id: string, step: string, status: string) => ({
  transaction_id,
  step,
  status,
  event_id: `${transaction_id}/${step}`,
  event_time: '2026-01-31T09:15:00.000000Z',
});
const LOGS = [
  log('done', 'send', 'succeeded'),
  log('open', 'send', 'succeeded'),
  log('done', 'hub', 'succeeded'),
  log('done', 'receive', 'succeeded'),
];
const LINES = LOGS.map((l) => JSON.stringify(l));
const expected = expectedOf(LINES, 1, findFlow, () => false);

/** What a processor makes of the logs when each comes by itself. */
function woven(): { revisions: Summary[]; records: Map<string, TransactionRecord>; watched: Set<string> } {
  const records = new Map<string, TransactionRecord>();
  const revisions: Summary[] = [];
  LINES.forEach((line, index) => {
    const one = JSON.parse(line) as MergeLog;
    const at = CREATED_MS + index * 1000;
    const known = records.get(one.transaction_id);
    const change = applyLogs(known, { logs: [one], at: [at] }, findFlow);
    records.set(one.transaction_id, change!.record);
    revisions.push(change!.summary);
  });
  return { revisions, records, watched: new Set(['open']) };
}

const judged = (change: (found: ReturnType<typeof woven>) => Partial<Found>): string[] => {
  const found = woven();
  return judge(expected, { ...found, ...change(found) });
};
const changed = (revisions: Summary[], id: string, version: number, change: Partial<Summary>) =>
  revisions.map((r) => (r.transaction_id === id && r.version === version ? { ...r, ...change } : r));
const without = (revisions: Summary[], id: string, version: number) =>
  revisions.filter((r) => r.transaction_id !== id || r.version !== version);

describe('the judge', () => {
  test('has nothing to say when all is well', () => {
    expect(judged(() => ({}))).toEqual([]);
  });

  test.each<[string, (found: ReturnType<typeof woven>) => Partial<Found>, string]>([
    [
      'a lost transaction',
      (f) => ({ revisions: without(f.revisions, 'open', 1) }),
      'open: was never published',
    ],
    [
      'a lost revision',
      (f) => ({ revisions: without(f.revisions, 'done', 2) }),
      'done: version: published were 1, 3',
    ],
    [
      'a revision that was published twice',
      (f) => ({ revisions: [...f.revisions, ...f.revisions.filter((r) => r.version === 3)] }),
      'done: version: published were 1, 2, 3, 3',
    ],
    [
      'revisions out of order',
      (f) => ({ revisions: f.revisions.toReversed() }),
      'done: version: published were 3, 2, 1',
    ],
    [
      'a field that no log gives',
      (f) => ({ revisions: changed(f.revisions, 'done', 3, { status: 'failed' }) }),
      'done: status is "failed" where its logs say "completed"',
    ],
    [
      'a step that was forgotten',
      (f) => ({ revisions: changed(f.revisions, 'done', 3, { steps: [] }) }),
      'done: steps is []',
    ],
    [
      'a beginning that changed',
      (f) => ({ revisions: changed(f.revisions, 'done', 2, { created_at: '2026-01-31T08:00:00.000000Z' }) }),
      'done: created_at: changed',
    ],
    [
      'a revision from before the one before it',
      (f) => ({
        revisions: changed(f.revisions, 'done', 2, { updated_at: f.revisions[3]!.updated_at }).map((r) =>
          r.version === 3 ? { ...r, updated_at: f.revisions[2]!.updated_at } : r,
        ),
      }),
      'done: updated_at: of version 3',
    ],
    [
      'lateness without a deadline that passed',
      (f) => ({ revisions: changed(f.revisions, 'open', 1, { late: true }) }),
      'open: late: version 1',
    ],
    [
      'a deadline that is not the flow’s',
      (f) => ({ revisions: changed(f.revisions, 'open', 1, { deadline_at: null }) }),
      'open: deadline_at: of version 1',
    ],
    [
      'a transaction that nobody sent',
      (f) => ({ revisions: [...f.revisions, { ...f.revisions[0]!, transaction_id: 'alien' }] }),
      'alien: was published',
    ],
    [
      'a record that is gone',
      (f) => ({ records: new Map([...f.records].filter(([id]) => id !== 'done')) }),
      'done: Redis keeps nothing of it',
    ],
    [
      'a record of another state',
      (f) => ({ records: new Map([...f.records, ['done', { ...f.records.get('open')! }]]) }),
      'done: Redis keeps another state',
    ],
    ['a deadline that nobody watches', () => ({ watched: new Set() }), 'open: its deadline is not watched'],
    [
      'a deadline that is still watched',
      () => ({ watched: new Set(['open', 'done']) }),
      'done: its deadline is watched',
    ],
  ])('names %s', (_, change, named) => {
    expect(judged(change).join('\n')).toContain(named);
  });
});
