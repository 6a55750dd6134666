import { millisBetween } from '../../common/timestamp.ts';
import type { Summary, SummaryStep } from '../../common/summary.ts';
import { oneLine, table } from '../table.ts';
import { zonedTime } from '../../common/zoned-time.ts';

/** A transaction as a person reads it: what became of it, then its steps as a table with a timeline beside it. */

const BAR_WIDTH = 32;

/** @param zone IANA name; every time is shown in it, and says so. */
export function formatTrace(summary: Summary, zone: string): string {
  const time = zonedTime(zone);
  const head: [string, string][] = [
    ['transaction', summary.transaction_id],
    ['status', statusInWords(summary)],
    ['interface', summary.interface_id || '(none given)'],
  ];
  if (summary.parent_transaction_id !== '') head.push(['parent', summary.parent_transaction_id]);
  if (summary.source_system !== '' || summary.target_system !== '')
    head.push(['systems', `${summary.source_system || '?'} → ${summary.target_system || '?'}`]);
  head.push(['started', time(summary.started_at)]);
  if (summary.ended_at !== null) head.push(['ended', time(summary.ended_at)]);
  if (summary.deadline_at !== null) head.push(['deadline', time(summary.deadline_at)]);
  const keys = Object.entries(summary.business_keys);
  if (keys.length > 0) head.push(['keys', keys.map(([key, value]) => `${key}=${value}`).join(', ')]);
  if (summary.error_step !== '') head.push(['first error', errorInWords(summary, time)]);
  if (summary.cut) head.push(['note', 'too many steps or keys for a summary; all logs are in tracking_log']);
  const rows = summary.steps.map((step) => stepRow(step, summary, time));
  return [
    ...head.map(([title, text]) => `${title.padEnd(12)} ${oneLine(text)}`),
    '',
    table(['step', 'status', 'try', 'started', 'waited', 'took', 'timeline', 'node', 'error'], rows),
  ].join('\n');
}

function statusInWords(summary: Summary): string {
  const done = `${summary.steps_finished} of ${summary.steps_expected} steps`;
  const took = summary.duration_ms === null ? '' : ` in ${duration(summary.duration_ms)}`;
  return `${summary.status.replace('_', ' ')}${took}, ${done}${summary.late ? ', late' : ''}`;
}

function errorInWords(summary: Summary, time: (text: string) => string): string {
  const where =
    summary.error_branch === '' ? summary.error_step : `${summary.error_step}/${summary.error_branch}`;
  const what = [summary.error_code, summary.error_message].filter((text) => text !== '').join(' ');
  return `${where} at ${summary.error_at === null ? '?' : time(summary.error_at)}${what === '' ? '' : `: ${what}`}`;
}

function stepRow(step: SummaryStep, summary: Summary, time: (text: string) => string): string[] {
  return [
    step.branch === '' ? step.step : `${step.step}/${step.branch}`,
    step.expected ? step.status : `${step.status} (not expected)`,
    String(step.attempt),
    time(step.started_at),
    step.queue_ms === null ? '' : duration(step.queue_ms),
    step.duration_ms === null ? '…' : duration(step.duration_ms),
    bar(step, summary),
    step.node,
    [step.error_code, step.error_message].filter((text) => text !== '').join(' '),
  ];
}

/** Where the step lies between the transaction's start and the last thing known of it. */
function bar(step: SummaryStep, summary: Summary): string {
  const whole = Math.max(millisBetween(summary.started_at, summary.last_event_at), 1);
  const place = (text: string) =>
    Math.min(
      BAR_WIDTH - 1,
      Math.max(0, Math.floor((millisBetween(summary.started_at, text) / whole) * BAR_WIDTH)),
    );
  const from = place(step.started_at);
  const to = place(step.ended_at ?? summary.last_event_at);
  const mark = step.status === 'failed' ? '✗' : step.status === 'started' ? '…' : '█';
  return `${'·'.repeat(from)}${mark.repeat(Math.max(1, to - from + 1))}`.padEnd(BAR_WIDTH, '·');
}

/** `22h 35m 26s`, `1.25s`, `12ms`: two or three units, no more than matter. */
function duration(ms: number): string {
  if (ms < 0) return `-${duration(-ms)}`;
  if (ms < 1000) return `${Number(ms.toFixed(ms < 10 ? 1 : 0))}ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(2))}s`;
  const seconds = Math.round(ms / 1000);
  const [d, h, m, s] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  const units = [
    [d, 'd'],
    [h, 'h'],
    [m, 'm'],
    [s, 's'],
  ] as const;
  const first = units.findIndex(([amount]) => amount > 0);
  return units
    .slice(first, first + 3)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join(' ');
}
