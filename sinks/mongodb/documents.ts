import type { Document } from 'mongodb';
import type { StreamKind } from '../../common/redis/keys.ts';
import { summaryFromRow } from '../../common/summary-row.ts';
import { canonicalTimestamp } from '../../common/timestamp.ts';
import type { Row } from '../check-row.ts';
import { FIELDS, STEP_FIELDS } from '../fields.ts';
import type { Fields } from '../fields.ts';

/**
 * Rows as documents: fields named and typed as the rows' are, but for
 *
 * - times: a date, which is what indexes that expire, charts and `$dateTrunc` want, but which holds milliseconds. What is below
 *   them is in `<field>_us`, 1 to 999 microseconds, and absent if there is nothing. Absent sorts before 1, so (event_time, event_time_us) is
 *   the exact order;
 * - maps: lists of `{ k, v }`. Keys are people's own, `$ref` or `order.no` or thousands of them: as names of fields some could not be stored, and
 *   none could be found by one index;
 * - `_id`: what makes the row unique, so that it is there once however often it comes.
 */
export function toDocument(stream: StreamKind, row: Row): Document {
  // Of a summary, what is empty is left out on the way; a document has it all, so that `{ late: false }` finds what it says.
  const whole = stream === 'summary' ? (summaryFromRow(row) as unknown as Row) : row;
  const document: Document = { _id: idOf(stream, row) };
  addFields(document, FIELDS[stream], whole);
  return document;
}

function idOf(stream: StreamKind, row: Row): unknown {
  if (stream === 'log') return { t: row['transaction_id'], e: row['event_id'] };
  if (stream === 'summary') return row['transaction_id'];
  // Each sink that refuses a row makes a dead letter of it, under one event id.
  return { e: row['event_id'], s: row['stage'] ?? '', i: row['input'] ?? '' };
}

function addFields(document: Document, fields: Fields, row: Row): void {
  for (const field of Object.keys(row)) {
    const value = row[field];
    const kind = fields[field];
    if (value === null || kind === undefined) document[field] = value;
    else if (kind === 'time' || kind === 'time?') addTime(document, field, value as string);
    else if (kind === 'map') document[field] = toPairs(value as Readonly<Record<string, string>>);
    else if (kind === 'steps') document[field] = (value as Row[]).map(toStep);
    else document[field] = value;
  }
}

function toStep(step: Row): Document {
  const document: Document = {};
  addFields(document, STEP_FIELDS, step);
  return document;
}

function toPairs(map: Readonly<Record<string, string>>): Document[] {
  return Object.entries(map).map(([k, v]) => ({ k, v }));
}

/** Where the microseconds stand in `2026-01-31T09:15:00.123456Z`. */
const MICROS_FROM = 23;
const MICROS_TO = 26;

function addTime(document: Document, field: string, text: string): void {
  // Checked before; a text that is not canonical yet comes from somebody else's collector.
  const canonical = canonicalTimestamp(text) ?? text;
  document[field] = new Date(`${canonical.slice(0, MICROS_FROM)}Z`);
  const micros = Number(canonical.slice(MICROS_FROM, MICROS_TO));
  if (micros > 0) document[`${field}_us`] = micros;
}

/** The canonical time that `addTime` has put into a document. */
export function timeOf(document: Document, field: string): string {
  const micros = String(document[`${field}_us`] ?? 0).padStart(3, '0');
  return `${(document[field] as Date).toISOString().slice(0, MICROS_FROM)}${micros}Z`;
}
