import { expect, test } from 'vitest';
import { formatReport } from './report.ts';
import type { Report } from './report.ts';

const logs = {
  input: 'api',
  interface_id: 'order',
  accepted: 5,
  repeated: 0,
  refused: 0,
  in_flight: 0,
  taken: 5,
  wrong: [],
};
const report: Report = {
  days: ['2026-01-31'],
  logs: [
    { ...logs, sink: 'away' },
    { ...logs, sink: 'there', stored: { rows: 5, logs: 5 } },
  ],
  dead_letters: [],
  transactions: { compared: 0, differing: [], more: false },
  not_asked: [{ sink: 'away', reason: 'ClickHouse cannot be reached: Timeout error.' }],
  conserved: false,
};

test('what was not asked is not said to be in order, nor does what it failed of end twice', () => {
  const text = formatReport(report);
  expect(text).toMatch(/^away .* not asked +not compared$/m);
  expect(text).toMatch(/^there .* 5 +ok$/m);
  expect(text).toContain('Sink away was not asked: ClickHouse cannot be reached: Timeout error.\n');
});

test('what is wrong is told of what was not asked, too', () => {
  const lost = { ...logs, sink: 'away', wrong: ['3 accepted and neither given to the store nor in flight'] };
  expect(formatReport({ ...report, logs: [lost] })).toMatch(/not asked +3 accepted and neither/);
});
