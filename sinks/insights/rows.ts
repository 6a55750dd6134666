import { timestampFromMillis } from '../../common/timestamp.ts';
import { groupValues } from './contribution.ts';
import type { Definition } from './definition.ts';
import { generationMillis } from './definitions.ts';
import type { Generation } from './lane-keys.ts';
import { measured, overBound, unusable } from './measures.ts';
import type { Combined, Measured } from './measures.ts';
import { zonedText } from './windows.ts';

/** What is published of a group in a window: JSON for lookups and for the table, fields of a message for the stream. */

export type WindowState = 'open' | 'final';

/** By columns (config.ts): those that every row has, groups and measures. */
export type Row = Record<string, Measured | Record<string, number>>;

/** What is known of a window over all partitions. */
export interface WindowRecord {
  state: WindowState;
  groups: number;
  transactions: number;
  /** Changes that came after it was closed. */
  late: number;
  /** Transactions that were not counted, since too many were remembered already. */
  left_out: number;
  /** ms since 1970 by the wall clock; 0 while it is open. */
  closed_at: number;
}

export function emptyRecord(): WindowRecord {
  return { state: 'open', groups: 0, transactions: 0, late: 0, left_out: 0, closed_at: 0 };
}

export interface Published {
  window: number;
  state: WindowState;
  revision: number;
  /** ms since 1970. */
  now: number;
}

export function rowOf(definition: Definition, published: Published, group: string, combined: Combined): Row {
  const { window, state, revision, now } = published;
  const values = groupValues(group);
  return {
    ...bounds(definition, window),
    ...Object.fromEntries(definition.groups.map(({ column }, index) => [column, values[index] ?? ''])),
    transactions: combined.partial.transactions,
    ...measured(definition, combined),
    unusable: unusable(definition, combined),
    over_bound: overBound(definition, combined),
    state,
    revision,
    updated_at: timestampFromMillis(now),
  };
}

/** `2026-03-02T09:00:00+09:00`, which ClickHouse reads as well. */
function bounds({ windows, zone }: Definition, window: number) {
  return { window_start: zonedText(window, zone), window_end: zonedText(windows(window).end, zone) };
}

/** Whether two rows tell the same; which revision they are of does not matter. */
export function tellTheSame(a: Row | undefined, b: Row): boolean {
  if (a === undefined) return b['transactions'] === 0;
  const told = ({ revision: _revision, updated_at: _at, ...rest }: Row) => JSON.stringify(rest);
  return told(a) === told(b);
}

/** A row of the table insight_window. */
export function windowRow(
  { definition, generation }: Generation,
  published: Published,
  record: WindowRecord,
): Row {
  const { state, revision, now, window } = published;
  return {
    insight: definition.name,
    generation,
    ...bounds(definition, window),
    state,
    groups: record.groups,
    transactions: record.transactions,
    late: record.late,
    left_out: record.left_out,
    counted_since: timestampFromMillis(generationMillis(generation)),
    revision,
    updated_at: timestampFromMillis(now),
  };
}

/** Fields of a message on the stream, with their values: texts as they are, what there is none of as ''. */
export function messageOf(
  { definition, generation }: Generation,
  kind: 'row' | 'window',
  row: Row,
): string[] {
  const fields = { kind, insight: definition.name, generation, ...row };
  return Object.entries(fields).flatMap(([field, value]) => [field, wordOf(value)]);
}

function wordOf(value: Row[string]): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Part of the lookup's key: the window's start. */
export function windowText({ zone }: Definition, window: number): string {
  return zonedText(window, zone);
}
