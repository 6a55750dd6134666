import type { StreamKind } from '../common/redis/keys.ts';
import { rowFromLine } from '../common/wire-row.ts';
import { canonicalTimestamp } from '../common/timestamp.ts';
import { FIELDS, STEP_FIELDS } from './fields.ts';
import type { FieldKind, Fields } from './fields.ts';

/** Checks rows for stores that would take anything: what ClickHouse refuses must not be stored elsewhere without a word. */

export type Row = Readonly<Record<string, unknown>>;
export type CheckedRow = { row: Row; reason?: never } | { row?: never; reason: string };

/** What a row must have: without it, it could not be told apart from others, or found, or ever expire. */
const REQUIRED: Readonly<Record<StreamKind, readonly string[]>> = {
  log: ['event_id', 'transaction_id', 'event_time', 'ingest_time'],
  summary: ['transaction_id', 'version', 'created_at', 'updated_at'],
  dead_letter: ['event_id', 'ingest_time'],
};

/** What may be done with a field that this release does not know: a newer collector wrote it. */
export type UnknownFields = 'refuse' | 'keep';

/** The row that a line is, or in words why it is none. */
export function checkRow(stream: StreamKind, line: string, unknown: UnknownFields): CheckedRow {
  const { row, reason: trouble } = rowFromLine(stream, line);
  if (row === undefined) return { reason: trouble };
  const missing = REQUIRED[stream].find((field) => isAbsent(row[field]));
  if (missing !== undefined) return { reason: `${missing}: is required` };
  const reason = wrongField(FIELDS[stream], row, unknown);
  return reason === undefined ? { row } : { reason };
}

function wrongField(fields: Fields, row: Row, unknown: UnknownFields): string | undefined {
  for (const field of Object.keys(row)) {
    const value = row[field];
    // An own property: `constructor` is no field of ours.
    const kind = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (kind === undefined) {
      if (unknown === 'refuse')
        return `${oneLine(field)}: is not a field that this release knows; bring the sinks up to date`;
    } else if (value !== null) {
      const wrong = kind === 'steps' ? wrongStep(value, unknown) : WRONG[kind](value);
      if (wrong !== undefined) return `${field}: ${wrong}`;
    }
  }
  return undefined;
}

type Check = (value: unknown) => string | undefined;

const check =
  (words: string, holds: (value: unknown) => boolean): Check =>
  (value) =>
    holds(value) ? undefined : words;

const isText = check('is not a text', (value) => typeof value === 'string');
const isCount = check(
  'is not a whole number from 0 on',
  (value) => Number.isSafeInteger(value) && Number(value) >= 0,
);
const isTime = check(
  'is not a time',
  (value) => typeof value === 'string' && canonicalTimestamp(value) !== undefined,
);
const WRONG: Readonly<Record<Exclude<FieldKind, 'steps'>, Check>> = {
  key: isText,
  text: isText,
  bytes: isText,
  integer: isCount,
  'integer?': isCount,
  'number?': check('is not a number', (value) => typeof value === 'number'),
  time: isTime,
  'time?': isTime,
  boolean: check('is not true or false', (value) => typeof value === 'boolean'),
  map: check('is not an object of texts', isMapOfTexts),
};

function isMapOfTexts(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((one) => typeof one === 'string');
}

function wrongStep(value: unknown, unknown: UnknownFields): string | undefined {
  if (!Array.isArray(value)) return 'is not a list';
  for (const step of value as unknown[]) {
    if (!isObject(step)) return 'has something that is no object';
    const wrong = wrongField(STEP_FIELDS, step, unknown);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function isObject(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

const WORDS_MAX = 300;

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, WORDS_MAX);
}
