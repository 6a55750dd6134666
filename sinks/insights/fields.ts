import type { SummaryRow } from '../../common/summary-row.ts';

/** What an insight can look at: fields of the summary, and business keys as `key.NAME`. Attributes of logs are not in it. */

/** Fields with texts (`late` as true or false); those that only a transaction's course decides are marked. */
const TEXTS = {
  interface_id: 'kept',
  parent_transaction_id: 'kept',
  source_system: 'kept',
  target_system: 'kept',
  transaction_id: 'kept',
  status: 'changing',
  last_step: 'changing',
  error_step: 'changing',
  error_branch: 'changing',
  error_code: 'changing',
  late: 'changing',
} as const;
const NUMBERS = ['duration_ms', 'steps_expected', 'steps_finished'] as const;

/** Fields that say when: a transaction is in the window of one of them. */
export const TIME_FIELDS = ['started_at', 'ended_at', 'last_event_at', 'created_at'] as const;
export type TimeField = (typeof TIME_FIELDS)[number];

/** The text of a field; '' if it is not known. */
export type Reader = (row: SummaryRow) => string;

export interface Field {
  /** As the config has it. */
  name: string;
  /** What a column of it is called if nobody says otherwise. */
  column: string;
  read: Reader;
  /** Whether the course of a transaction decides it (its status, its errors): another revision is likely to say something else. */
  changing: boolean;
}

/** Names of all fields but the business keys, for whoever asked for one that is not there. */
export const FIELD_NAMES: readonly string[] = [...Object.keys(TEXTS), ...NUMBERS];

const KEY = /^key\.(.{1,128})$/s;

/** Undefined if there is no such field. */
export function fieldOf(name: string): Field | undefined {
  const key = KEY.exec(name)?.[1];
  if (key !== undefined) return { name, column: key, read: keyReader(key), changing: false };
  if (isNumber(name)) return { name, column: name, read: (row) => textOf(row[name]), changing: true };
  if (!isText(name)) return undefined;
  return { name, column: name, read: (row) => textOf(row[name]), changing: TEXTS[name] === 'changing' };
}

function keyReader(key: string): Reader {
  return ({ business_keys: keys }) =>
    keys !== undefined && Object.hasOwn(keys, key) ? (keys[key] ?? '') : '';
}

function textOf(value: string | number | boolean | null | undefined): string {
  return value === null || value === undefined ? '' : String(value);
}

function isText(name: string): name is keyof typeof TEXTS {
  return Object.hasOwn(TEXTS, name);
}

function isNumber(name: string): name is (typeof NUMBERS)[number] {
  return (NUMBERS as readonly string[]).includes(name);
}
