import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evaluate } from './evaluate.ts';
import { merge } from './merge.ts';
import { summarize } from './summary.ts';
import { summaryFromLine, summaryToLine } from './summary-row.ts';
import { logsOfOneTransaction } from './testing/log-arbitraries.ts';
import type { TransactionState } from './transaction-state.ts';

test('a line stands for the very summary that it was made of, and says nothing that is empty', () => {
  const flow = { steps: [{ step: 'send', optional: false }], deadline: 1000 };
  fc.assert(
    fc.property(logsOfOneTransaction(), fc.boolean(), (logs, late) => {
      let state: TransactionState | undefined;
      for (const log of logs) state = merge(state, log);
      const kept = { version: 3, late, created_at: 1_769_850_000_000, updated_at: 1_769_850_000_001 };
      const summary = summarize(state!, flow, evaluate(state!, flow, kept.created_at, kept.updated_at), kept);
      const line = summaryToLine(summary);
      expect(summaryFromLine(line)).toEqual(summary);
      expect(line).not.toMatch(/null\]$/);
      expect(line).not.toContain('\n');
    }),
  );
});
