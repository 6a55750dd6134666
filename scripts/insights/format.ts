import { zonedTime } from '../../common/zoned-time.ts';
import type { InsightLook, WindowLook } from '../../sinks/insights/look.ts';
import { table } from '../table.ts';

/** Insights as people read them, in a terminal. */

export function listInsights(looks: readonly InsightLook[]): string {
  return table(
    [
      'insight',
      'windows in',
      'counted since',
      'open',
      'final',
      'late',
      'left out',
      'remembered',
      'waiting',
      '',
    ],
    looks.map((look) => [
      look.name,
      look.zone,
      look.counted_since === null ? 'not yet' : zonedTime(look.zone)(look.counted_since),
      String(look.open),
      String(look.final),
      String(look.late),
      String(look.left_out),
      String(look.remembered),
      String(look.pending),
      look.counted_since === null || look.as_configured
        ? ''
        : 'counted by another definition than the config has',
    ]),
  );
}

export function showInsight(look: InsightLook, limit: number): string {
  const head = [
    `insight ${look.name}, windows in ${look.zone}`,
    ...(look.counted_since === null
      ? ['no sinks process has counted by it yet']
      : [`counted since ${zonedTime(look.zone)(look.counted_since)}`]),
    ...(look.windows.length === 0 ? ['no window has a row'] : []),
  ];
  return [...head, ...look.windows.map((window) => `\n${showWindow(look, window, limit)}`)].join('\n');
}

function showWindow(look: InsightLook, window: WindowLook, limit: number): string {
  const { state, closes_at, groups, transactions, late, left_out, rows } = window;
  const facts = [
    closes_at === null ? state : `${state}, closes at ${closes_at} at the earliest`,
    `${transactions} transactions in ${groups} groups`,
    ...(late > 0 ? [`${late} came late`] : []),
    ...(left_out > 0 ? [`${left_out} left out`] : []),
  ];
  const columns = [...look.groups, 'transactions', ...look.measures, 'unusable', 'over_bound', 'state'];
  const shown = rows.slice(0, limit).map((row) => columns.map((column) => cellOf(row[column] ?? null)));
  const more = rows.length > limit ? [`… and ${rows.length - limit} rows more`] : [];
  const lines = rows.length === 0 ? ['(its lookup has expired)'] : [table(columns, shown), ...more];
  return [`${window.window_start} to ${window.window_end}: ${facts.join('; ')}`, ...lines].join('\n');
}

function cellOf(value: WindowLook['rows'][number][string]): string {
  if (value === null) return '-';
  if (typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([column, count]) => `${column} ${count}`)
    .join(', ');
}
