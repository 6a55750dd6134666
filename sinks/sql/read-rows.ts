import type { Summary } from '../../common/summary.ts';
import { summaryFromRow } from '../../common/summary-row.ts';
import { rowFromLine } from '../../common/wire-row.ts';
import { linesOf } from '../lines.ts';
import type { RefusedRow, SinkBatch } from '../sink.ts';
import { readValue, Trouble } from './field-values.ts';
import type { Value } from './field-values.ts';
import type { Table } from './tables.ts';

/** A batch's row, ready for a store. */
export interface Row {
  /** In the batch. */
  index: number;
  /** Of its line: about what a store gets to read. */
  bytes: number;
  /** In the order of the table's columns. */
  values: readonly Value[];
}

export interface ReadBatch {
  rows: Row[];
  /** What is no row of this table, whatever the store. */
  refused: RefusedRow[];
  /** How many of these have a field that the table does not have: more a sign of an old sinks process than of bad rows. */
  unknownFields: number;
}

/** Takes the lines of a batch apart, once. */
export function readRows(batch: SinkBatch, table: Table, nulInText: boolean): ReadBatch {
  const read: ReadBatch = { rows: [], refused: [], unknownFields: 0 };
  const reading = { nulInText, lenient: batch.stream === 'dead_letter' };
  const lines = linesOf(batch.chunks);
  for (let index = 0; index < lines.count; index += 1) {
    const line = lines.slice(index, index + 1);
    const { row, reason } = rowFromLine(batch.stream, line.toString());
    if (row === undefined) {
      read.refused.push({ index, reason: `the row ${reason}` });
      continue;
    }
    const record = batch.stream === 'summary' ? whole(row) : row;
    const values: Value[] = [];
    let known = 0;
    let trouble: string | undefined;
    for (const { field, kind } of table.columns) {
      // Own ones only: an absent field must not be found on Object.prototype.
      const given = Object.hasOwn(record, field) ? record[field] : undefined;
      if (given !== undefined) known += 1;
      const value = readValue(kind, given, reading);
      if (value instanceof Trouble) trouble ??= `${field}${value.path} ${value.words}`;
      else values.push(value);
    }
    const unknown = Object.keys(record).length > known ? unknownField(record, table) : undefined;
    if (unknown !== undefined) {
      // It must not vanish without a word.
      read.unknownFields += 1;
      read.refused.push({ index, reason: `the table ${table.name} has no column for the field ${unknown}` });
    } else if (trouble !== undefined) {
      read.refused.push({ index, reason: trouble });
    } else {
      read.rows.push({ index, bytes: line.length, values });
    }
  }
  return read;
}

/** A summary with what its line leaves out; one whose steps are none stays as it is, and will be refused for it. */
function whole(row: Partial<Summary>): Record<string, unknown> {
  const steps: unknown = row.steps ?? [];
  return Array.isArray(steps) && steps.every((step) => typeof step === 'object')
    ? { ...summaryFromRow(row) }
    : { ...row };
}

const NAME_CHARACTERS_MAX = 100;

function unknownField(record: Record<string, unknown>, table: Table): string {
  const names = new Set(table.columns.map(({ field }) => field));
  const found = Object.keys(record).find((name) => !names.has(name)) ?? '';
  return JSON.stringify(found.slice(0, NAME_CHARACTERS_MAX));
}
