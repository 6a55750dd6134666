import type { Row } from './read-rows.ts';
import { placeOf, TABLES } from './tables.ts';

/**
 * Of the revisions of each transaction the one that is the truth (common/summary.ts): begun first, then the greatest version. A statement can
 * change a row only once, and what is replaced within a batch need not be written at all.
 */
export function newestOf(rows: readonly Row[]): Row[] {
  const newest = new Map<unknown, Row>();
  for (const row of rows) {
    const id = row.values[ID];
    const other = newest.get(id);
    if (other === undefined || replaces(row, other)) newest.set(id, row);
  }
  return [...newest.values()];
}

const ID = placeOf(TABLES.summary, 'transaction_id');
const CREATED_AT = placeOf(TABLES.summary, 'created_at');
const VERSION = placeOf(TABLES.summary, 'version');

function replaces(row: Row, other: Row): boolean {
  const [created, otherCreated] = [String(row.values[CREATED_AT]), String(other.values[CREATED_AT])];
  if (created !== otherCreated) return created < otherCreated;
  return Number(row.values[VERSION]) > Number(other.values[VERSION]);
}
