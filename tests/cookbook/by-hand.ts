import { expect } from 'vitest';
import type { Summary, SummaryStep } from '../../common/summary.ts';
import type { TrackingLog } from '../../common/tracking-log.ts';
import type { TwoDays } from './two-days.ts';

/** What SQL does, done without it: for the cookbook's answers. */

export type Asked = TwoDays & { nowMs: number };
export type Row = Record<string, unknown>;

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Of each transaction the revision with the greatest version, by id. */
export function newest({ revisions }: Asked): Summary[] {
  return groups(revisions, ({ transaction_id }) => ({ transaction_id })).map(([, all]) =>
    all.reduce((a, b) => (b.version > a.version ? b : a)),
  );
}

/** Each log once, as it came last. */
export function unique({ logs }: Asked): TrackingLog[] {
  return groups(logs, ({ event_id }) => ({ event_id })).map(([, same]) =>
    same.reduce((a, b) => (b.ingest_time > a.ingest_time ? b : a)),
  );
}

export function isOpen({ status }: Summary): boolean {
  return status === 'in_progress' || status === 'timed_out';
}

export function isDone({ status }: SummaryStep): boolean {
  return status === 'succeeded' || status === 'skipped';
}

export function isWithin({ started_at }: Summary, ms: number, { nowMs }: Asked): boolean {
  return nowMs - Date.parse(started_at) <= ms;
}

export function ageOf(summary: Summary, nowMs: number): string {
  const ms = nowMs - Date.parse(summary.started_at);
  return ms < HOUR ? 'under an hour' : ms < DAY ? 'under a day' : 'older';
}

/** What was measured of the steps of transactions that started within so many ms, by interface and step. */
export function stepGroups(asked: Asked, withinMs: number, valueOf: (step: SummaryStep) => number | null) {
  const measured = newest(asked)
    .filter((s) => isWithin(s, withinMs, asked))
    .flatMap((s) =>
      s.steps.flatMap((step) => {
        const value = valueOf(step);
        const ageMs = asked.nowMs - Date.parse(s.started_at);
        return value === null ? [] : [{ interface_id: s.interface_id, step: step.step, ageMs, value }];
      }),
    );
  return groups(measured, ({ interface_id, step }) => ({ interface_id, step }));
}

/** The value at a level, by the rank that sketches use. */
export function p(values: readonly number[], level: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(level * (sorted.length - 1))]!;
}

export function expectNear(found: unknown, wanted: number): void {
  expect(Math.abs(Number(found) - wanted)).toBeLessThanOrEqual(Math.abs(wanted) * 0.0101);
}

/** What has the same names together, in the names' order. */
export function groups<T, Names extends Record<string, string>>(
  items: readonly T[],
  namesOf: (item: T) => Names,
): [Names, T[]][] {
  const byKey = new Map<string, [Names, T[]]>();
  for (const item of items) {
    const names = namesOf(item);
    const key = Object.values(names).join('|');
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, [names, [item]]);
    else known[1].push(item);
  }
  return [...byKey.entries()].sort(([a], [b]) => compare(a, b)).map(([, group]) => group);
}

export const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
export const least = (texts: readonly string[]) => [...texts].sort(compare)[0]!;
export const greatest = (texts: readonly string[]) => [...texts].sort(compare).at(-1)!;
export const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

/** As ClickHouse writes a DateTime64(6). */
export const sqlTime = (text: string) => text.replace('T', ' ').replace('Z', '');

/** As ClickHouse writes the DateTime in which an interval begins. */
export function floorTo(time: string, ms: number): string {
  const floor = new Date(Math.floor(Date.parse(time) / ms) * ms).toISOString();
  return floor.replace('T', ' ').slice(0, 19);
}

/** Some fields, as ClickHouse writes them. */
export function pick<T extends object>(from: T, ...fields: (keyof T & string)[]): Row {
  return Object.fromEntries(
    fields.map((field) => {
      const value = from[field];
      return [field, field.endsWith('_at') && typeof value === 'string' ? sqlTime(value) : value];
    }),
  );
}
