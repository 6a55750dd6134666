import type { Table } from '../sql/tables.ts';
import type { Session } from './connection.ts';
import { withLock } from './migrate.ts';

/** Deletes some of the rows that came, or changed, before a time. Returns how many; 0 if another process is deleting. */
export async function deleteBefore(
  session: Session,
  database: string,
  table: Table,
  before: string,
  rowsMax: number,
): Promise<number> {
  const deleted = await withLock(session, `retention ${database}`, 0, () =>
    session.run(
      session.format(`DELETE FROM ${table.name} WHERE ${table.since} < ? ORDER BY ${table.since} LIMIT ?`, [
        `${before.slice(0, 10)} ${before.slice(11, 26)}`,
        rowsMax,
      ]),
    ),
  );
  return deleted ?? 0;
}
