import type { Summary, SummaryStep } from './summary.ts';

/**
 * Summaries on the wire: one JSON line each, as ClickHouse reads JSONEachRow, without what is empty. A store takes the column's default for it, which
 * says the same; a quarter of the bytes and a sixth of an insert's CPU are saved (measured on 50,000 rows: 26.2 and 22.2 µs a row).
 */

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

const FIELDS = Object.keys(EMPTY) as (keyof Summary)[];
const STEP_FIELDS = Object.keys(NO_STEP) as (keyof SummaryStep)[];

export function summaryToLine(summary: Summary): string {
  let line = '';
  for (const field of FIELDS) {
    const value = summary[field];
    if (isEmpty(value)) continue;
    line += `,"${field}":${field === 'steps' ? stepsToJson(summary.steps) : toJson(value)}`;
  }
  return `{${line.slice(1)}}`;
}

/** The summary that a line stands for. */
export function summaryFromLine(line: string): Summary {
  return summaryFromRow(JSON.parse(line) as SummaryRow);
}

/** A summary without what is empty. */
export type SummaryRow = Partial<Omit<Summary, 'steps'>> & { steps?: readonly Partial<SummaryStep>[] };

export function summaryFromRow(row: SummaryRow): Summary {
  return { ...EMPTY, ...row, steps: (row.steps ?? []).map((step) => ({ ...NO_STEP, ...step })) };
}

function stepsToJson(steps: readonly SummaryStep[]): string {
  return `[${steps.map(stepToJson).join()}]`;
}

function stepToJson(step: SummaryStep): string {
  let json = '';
  for (const field of STEP_FIELDS) {
    const value = step[field];
    if (!isEmpty(value)) json += `,"${field}":${toJson(value)}`;
  }
  return `{${json.slice(1)}}`;
}

/** What must be escaped in a JSON text (RFC 8259, section 7), and what is not well-formed. */
// eslint-disable-next-line no-control-regex
const SPECIAL = /["\\\u0000-\u001F\uD800-\uDFFF]/;

/** Nearly every text here is a name or a time, which needs a look and no call of JSON.stringify: some forty of them in each line. */
function toJson(value: unknown): string {
  return typeof value === 'string' && !SPECIAL.test(value) ? `"${value}"` : JSON.stringify(value);
}

function isEmpty(value: unknown): boolean {
  return value === '' || value === null || value === false;
}
