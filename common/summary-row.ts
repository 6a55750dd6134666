import type { Summary, SummaryStep } from './summary.ts';

/**
 * Summaries on the wire: one JSON array each, values in the order of SUMMARY_COLUMNS, null for what is empty (a store takes the column's
 * default for it, which says the same) and nothing for what is empty at the end; steps are arrays in the order of STEP_COLUMNS. As ClickHouse reads
 * JSONCompactEachRow: like logs (docs/decisions/015).
 *
 * What is seldom said comes last. New columns go to the end: positions never change their meaning.
 */
export const SUMMARY_COLUMNS = [
  'transaction_id',
  'status',
  'version',
  'interface_id',
  'started_at',
  'last_event_at',
  'created_at',
  'updated_at',
  'steps_expected',
  'steps_finished',
  'last_step',
  'steps',
  'business_keys',
  'ended_at',
  'duration_ms',
  'source_system',
  'target_system',
  'deadline_at',
  'parent_transaction_id',
  'error_step',
  'error_branch',
  'error_code',
  'error_message',
  'error_at',
  'late',
  'cut',
] as const satisfies readonly (keyof Summary)[];

/** The values of a step, all of them: a store knows no defaults inside of one. */
export const STEP_COLUMNS = [
  'step',
  'branch',
  'attempt',
  'status',
  'started_at',
  'ended_at',
  'duration_ms',
  'queue_ms',
  'node',
  'error_code',
  'error_message',
  'expected',
] as const satisfies readonly (keyof SummaryStep)[];

/** The row of a summary, without its newline. */
export function summaryToLine(s: Summary): string {
  const row: unknown[] = [
    s.transaction_id,
    s.status,
    s.version,
    s.interface_id || null,
    s.started_at,
    s.last_event_at,
    s.created_at,
    s.updated_at,
    s.steps_expected,
    s.steps_finished,
    s.last_step,
    s.steps.map(stepRowOf),
    s.business_keys,
    s.ended_at,
    s.duration_ms,
    s.source_system || null,
    s.target_system || null,
    s.deadline_at,
    s.parent_transaction_id || null,
    s.error_step || null,
    s.error_branch || null,
    s.error_code || null,
    s.error_message || null,
    s.error_at,
    s.late || null,
    s.cut || null,
  ];
  while (row.at(-1) === null) row.pop();
  return JSON.stringify(row);
}

function stepRowOf(s: SummaryStep): unknown[] {
  return [
    s.step,
    s.branch,
    s.attempt,
    s.status,
    s.started_at,
    s.ended_at,
    s.duration_ms,
    s.queue_ms,
    s.node,
    s.error_code,
    s.error_message,
    s.expected,
  ];
}

/** The summary that a line of summaryToLine stands for. */
export function summaryFromLine(line: string): Summary {
  return summaryFromRow(rowOfSummary(JSON.parse(line)) ?? {});
}

/** A summary without what is empty. */
export type SummaryRow = Partial<Omit<Summary, 'steps'>> & { steps?: readonly Partial<SummaryStep>[] };

/** A row with its fields' names, without what it leaves out; undefined for what is no row. Its values are not looked at. */
export function rowOfSummary(row: unknown): SummaryRow | undefined {
  const summary = named(row, SUMMARY_COLUMNS);
  if (summary === undefined || !Array.isArray(summary['steps'])) return summary;
  const steps = (summary['steps'] as unknown[]).map((step) => named(step, STEP_COLUMNS));
  return steps.includes(undefined) ? undefined : { ...summary, steps: steps as Partial<SummaryStep>[] };
}

function named(row: unknown, columns: readonly string[]): Record<string, unknown> | undefined {
  if (!Array.isArray(row) || row.length > columns.length) return undefined;
  const fields: Record<string, unknown> = {};
  (row as unknown[]).forEach((value, index) => {
    const column = columns[index];
    if (column !== undefined && value !== null) fields[column] = value;
  });
  return fields;
}

/** A summary with what its row leaves out. */
export function summaryFromRow(row: SummaryRow): Summary {
  return { ...EMPTY, ...row, steps: (row.steps ?? []).map((step) => ({ ...NO_STEP, ...step })) };
}

const NO_STEP: SummaryStep = {
  step: '',
  branch: '',
  attempt: 1,
  status: 'started',
  started_at: '',
  ended_at: null,
  duration_ms: null,
  queue_ms: null,
  node: '',
  error_code: '',
  error_message: '',
  expected: false,
};
const EMPTY: Summary = {
  transaction_id: '',
  interface_id: '',
  parent_transaction_id: '',
  source_system: '',
  target_system: '',
  status: 'in_progress',
  started_at: '',
  ended_at: null,
  last_event_at: '',
  duration_ms: null,
  steps_expected: 0,
  steps_finished: 0,
  steps: [],
  last_step: '',
  error_step: '',
  error_branch: '',
  error_code: '',
  error_message: '',
  error_at: null,
  business_keys: {},
  late: false,
  cut: false,
  deadline_at: null,
  version: 0,
  created_at: '',
  updated_at: '',
};
