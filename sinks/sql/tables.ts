import type { StreamKind } from '../../common/redis/keys.ts';
import { FIELDS } from '../fields.ts';
import type { FieldKind, Fields } from '../fields.ts';

/**
 * The three tables as every SQL store has them: which field of a row (../fields.ts) goes into which column. How a kind of value is spelled (jsonb,
 * DATETIME(6)) is the store's own matter.
 */

export interface Column {
  /** In the row's JSON. */
  field: string;
  /** In the table. */
  name: string;
  kind: FieldKind;
}

export interface Table {
  stream: StreamKind;
  name: 'tracking_log' | 'transaction_summary' | 'dead_letter';
  columns: readonly Column[];
  /** Columns of its primary key: what makes a row that comes again the same row. */
  key: readonly string[];
  /** When a row came or changed: what its retention counts from. */
  since: string;
}

export const TABLES: Readonly<Record<StreamKind, Table>> = {
  log: {
    stream: 'log',
    name: 'tracking_log',
    columns: columnsOf(FIELDS.log),
    key: ['transaction_id', 'event_id'],
    since: 'ingest_time',
  },
  summary: {
    stream: 'summary',
    name: 'transaction_summary',
    columns: columnsOf(FIELDS.summary),
    key: ['transaction_id'],
    since: 'updated_at',
  },
  dead_letter: {
    stream: 'dead_letter',
    name: 'dead_letter',
    columns: columnsOf(FIELDS.dead_letter),
    // Two stores may refuse the same row of a batch with the same bounds: their letters differ in the stage alone.
    key: ['event_id', 'stage'],
    since: 'ingest_time',
  },
};

function columnsOf(fields: Fields): Column[] {
  return Object.entries(fields).map(([field, kind]) => ({
    field,
    name: kind === 'bytes' ? field.replace('_base64', '') : field,
    kind,
  }));
}

/** Where a column stands in a row's values. */
export function placeOf(table: Table, name: string): number {
  const place = table.columns.findIndex((column) => column.name === name);
  if (place === -1) throw new TypeError(`${table.name} has no column ${name}`);
  return place;
}
