import type { Client } from 'pg';
import type { Table } from '../sql/tables.ts';

/** Deletes some of the rows that came, or changed, before a time. Returns how many; 0 if another process is deleting. */
export async function deleteBefore(
  client: Client,
  schema: string,
  table: Table,
  before: string,
  rowsMax: number,
): Promise<number> {
  const { rows } = await client.query<{ mine: boolean }>(
    "SELECT pg_try_advisory_xact_lock(hashtext('tranweave retention'), hashtext($1)) AS mine",
    [schema],
  );
  if (rows[0]?.mine !== true) return 0;
  const target = `${schema}.${table.name}`;
  // By where the rows are: a row that changes meanwhile is elsewhere then, and stays.
  const { rowCount } = await client.query(
    `DELETE FROM ${target} WHERE ctid = ANY (ARRAY (SELECT ctid FROM ${target} WHERE ${table.since} < $1 ORDER BY ${table.since} LIMIT $2))`,
    [before, rowsMax],
  );
  return rowCount ?? 0;
}
