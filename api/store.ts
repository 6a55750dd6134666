import * as v from 'valibot';
import type { Summary } from '../common/summary.ts';
import { canonicalTimestamp, timestampFromMillis } from '../common/timestamp.ts';
import type { AskClickHouse } from './ask-clickhouse.ts';
import { cursorOf } from './cursor.ts';
import type { StoredLog } from './log-schema.ts';
import type { ListQuery, LogsQuery } from './parameters.ts';
import { badParameters } from './problem.ts';
import type { TransactionFilter } from './stream-filter.ts';

/** What the API asks ClickHouse. Every question names days of created_at, or a transaction: what the tables are sorted and indexed by. */

export interface Page<Row> {
  items: Row[];
  /** Null on the last page. */
  next_cursor: string | null;
}

export interface Store {
  /** Undefined if there is none of that id. */
  transaction(id: string, signal: AbortSignal): Promise<Summary | undefined>;
  /**
   * Newest first, by (created_at, transaction_id), which never change: whatever happens to the rows between two pages, none comes twice,
   * and none that fitted all the time is left out.
   */
  transactions(
    filter: TransactionFilter,
    query: Omit<ListQuery, 'interface' | 'status' | 'keys'>,
    now: number,
    signal: AbortSignal,
  ): Promise<Page<Summary>>;
  /** In the order of their event_time. */
  logs(id: string, query: LogsQuery, signal: AbortSignal): Promise<Page<StoredLog>>;
}

const DAY_MS = 86_400_000;

/** Whoever makes up a cursor is told so here, rather than by ClickHouse, which takes times only. */
const time = v.pipe(
  v.string(),
  v.check((text) => canonicalTimestamp(text) === text),
);
const listCursor = cursorOf(
  'transactions',
  v.strictObject({ from: time, to: time, created_at: time, id: v.string() }),
);
const logsCursor = cursorOf('logs', v.strictObject({ event_time: time, event_id: v.string() }));

export function createStore(ask: AskClickHouse): Store {
  return {
    transaction: async (id, signal) => {
      const query = 'SELECT * FROM transaction_summary WHERE transaction_id = {id:String}';
      return (await ask<Summary>(query, { id }, signal))[0];
    },
    transactions: async (filter, query, now, signal) => {
      const question = [filter, query.from, query.to];
      const after = query.cursor === undefined ? undefined : listCursor.decode(query.cursor, question);
      const { from, to } = after ?? boundsOf(query, now);
      const { sql, parameters } = conditionsOf(filter);
      const behind = "(created_at, transaction_id) < ({created_at:DateTime64(6, 'UTC')}, {id:String})";
      const rows = await ask<Summary>(
        [
          'SELECT * FROM transaction_summary',
          "WHERE created_at >= {from:DateTime64(6, 'UTC')} AND created_at < {to:DateTime64(6, 'UTC')}",
          ...[...(after === undefined ? [] : [behind]), ...sql].map((condition) => `AND ${condition}`),
          'ORDER BY created_at DESC, transaction_id DESC LIMIT {rows:UInt32}',
        ].join(' '),
        {
          ...parameters,
          ...(after === undefined ? {} : { created_at: dateTime(after.created_at), id: after.id }),
          from: dateTime(from),
          to: dateTime(to),
          rows: query.limit + 1,
        },
        signal,
      );
      return pageOf(rows, query.limit, ({ created_at, transaction_id: id }) =>
        listCursor.encode({ from, to, created_at, id }, question),
      );
    },
    logs: async (id, query, signal) => {
      const after = query.cursor === undefined ? undefined : logsCursor.decode(query.cursor, id);
      const behind =
        after === undefined
          ? ''
          : "AND (event_time, event_id) > ({event_time:DateTime64(6, 'UTC')}, {event_id:String})";
      const rows = await ask<StoredLog>(
        `SELECT * FROM tracking_log FINAL WHERE transaction_id = {id:String} ${behind} ORDER BY event_time, event_id LIMIT {rows:UInt32}`,
        {
          id,
          rows: query.limit + 1,
          ...(after === undefined ? {} : { ...after, event_time: dateTime(after.event_time) }),
        },
        signal,
      );
      return pageOf(rows, query.limit, (row) =>
        logsCursor.encode({ event_time: String(row['event_time']), event_id: String(row['event_id']) }, id),
      );
    },
  };
}

function boundsOf({ from, to }: Pick<ListQuery, 'from' | 'to'>, now: number): { from: string; to: string } {
  // What is being collected in this moment belongs to the page, too.
  const until = to ?? timestampFromMillis(now + 1_000);
  const since = from ?? timestampFromMillis(Date.parse(until) - DAY_MS);
  if (since >= until) throw badParameters([{ parameter: 'from', reason: 'must be earlier than `to`' }]);
  return { from: since, to: until };
}

function conditionsOf({ interfaces, statuses, keys }: TransactionFilter) {
  const sql: string[] = [];
  const parameters: Record<string, unknown> = {};
  if (interfaces.length > 0) {
    sql.push('interface_id IN {interfaces:Array(String)}');
    parameters['interfaces'] = interfaces;
  }
  if (statuses.length > 0) {
    sql.push('status IN {statuses:Array(String)}');
    parameters['statuses'] = statuses;
  }
  keys.forEach(([name, value], index) => {
    // The first finds it by the index, the second says it exactly (docs/queries.md).
    sql.push(`has(mapValues(business_keys), {value_${index}:String})`);
    sql.push(`business_keys[{name_${index}:String}] = {value_${index}:String}`);
    parameters[`name_${index}`] = name;
    parameters[`value_${index}`] = value;
  });
  return { sql, parameters };
}

/** A canonical time as ClickHouse reads it in a parameter. */
function dateTime(canonical: string): string {
  return canonical.replace('T', ' ').replace('Z', '');
}

/** One row more than asked for says that there is another page. */
function pageOf<Row>(rows: Row[], limit: number, cursorAt: (last: Row) => string): Page<Row> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next_cursor: rows.length > limit && last !== undefined ? cursorAt(last) : null };
}
