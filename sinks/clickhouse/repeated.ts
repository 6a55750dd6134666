import type { ClickHouseClient } from '@clickhouse/client';
import type { StreamKind } from '../../common/redis/keys.ts';
import { rowFromLine } from '../../common/wire-row.ts';
import { linesOf } from '../lines.ts';
import { askRows } from './ask.ts';
import { meaningOf } from './failure.ts';
import { quote } from './quote.ts';

/**
 * What a batch that comes again must do beyond giving its token. A ClickHouse that is killed in the midst of an insert may have written down the token of a
 * part and not the part: `MergeTreeSink` adds to the deduplication log first and renames the part then. A repetition under
 * the token is then taken for a duplicate, and the rows of that part are in no table. Seen once in 35 kills between the parts of an insert of 60
 * (docs/decisions/014-repeated-inserts.md).
 *
 * A part is there as a whole or not at all, and is the rows of one day: so a few rows of each day are looked for, once the store
 * has taken the repetition. Nobody else can be just about to write the part then: whoever adds to the log renames under the same lock.
 */
export interface Repeated {
  client: ClickHouseClient;
  table: string;
  kind: 'log' | 'dead_letter';
  /** The rows that were stored under the batch's token, whole lines. */
  chunks: readonly Buffer[];
  /** Stores lines under what is added to the batch's token. */
  store: (chunks: readonly Buffer[], suffix: string) => Promise<unknown>;
  signal: AbortSignal;
}

/** What tells the day of a row, and by which columns it is found. */
const FOUND_BY = {
  log: { time: 'event_time', columns: ['event_id', 'transaction_id'] },
  dead_letter: { time: 'ingest_time', columns: ['event_id'] },
} as const satisfies Partial<Record<StreamKind, { time: string; columns: readonly string[] }>>;

/** Rows that are looked for, of each day. One would do, were it not that another batch may hold the same log. */
const SAMPLE = 8;
/** It would have to be killed at that very moment each time. */
const ROUNDS_MAX = 3;

type Row = Record<string, unknown>;

/** Stores the rows of parts that are not there. Throws what storing throws, and what a failed question means (errors.ts). */
export async function completeParts(repeated: Repeated): Promise<void> {
  const days = daysOf(repeated);
  if (days.length === 0) return;
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    const missing = await missingDays(repeated, days).catch((error: unknown) => {
      // Said already: a code that says of an insert that a row is of no use says of a question that a part cannot be read.
      throw meaningOf(error);
    });
    if (missing.length === 0) return;
    // Each round under a token of its own: that of the one before may be written down without its part as well.
    await repeated.store(
      missing.flatMap(({ lines }) => lines),
      `missing-${round}`,
    );
  }
}

interface Day {
  lines: Buffer[];
  sample: Row[];
}

function daysOf({ kind, chunks }: Repeated): Day[] {
  const { time } = FOUND_BY[kind];
  const lines = linesOf(chunks);
  const days = new Map<string, Day>();
  for (let i = 0; i < lines.count; i += 1) {
    const line = lines.slice(i, i + 1);
    const { row } = rowFromLine(kind, line.toString());
    // ClickHouse has read it; what cannot be read here is in a part with others.
    if (row === undefined) continue;
    const date = String(row[time]).slice(0, 'YYYY-MM-DD'.length);
    const day = days.get(date) ?? { lines: [], sample: [] };
    days.set(date, day);
    day.lines.push(line);
    if (day.sample.length < SAMPLE) day.sample.push(row);
  }
  return [...days.values()];
}

async function missingDays(repeated: Repeated, days: readonly Day[]): Promise<Day[]> {
  const { client, table, kind, signal } = repeated;
  const { time, columns } = FOUND_BY[kind];
  const sample = days.flatMap((day) => day.sample);
  const valuesOf = (column: string) => [...new Set(sample.map((row) => String(row[column])))];
  const times = valuesOf(time)
    .sort()
    .map((text) => quote(text.replace('T', ' ').replace('Z', '')));
  const conditions = columns.map((column) => `${column} IN (${valuesOf(column).map(quote).join(', ')})`);
  const found = await askRows<{ event_id: string }>(client, {
    sql: `SELECT DISTINCT event_id FROM ${table}
      WHERE ${time} BETWEEN ${times[0]} AND ${times.at(-1)} AND ${conditions.join(' AND ')}`,
    // A sample of some thousand days.
    settings: { max_query_size: '16777216' },
    signal,
  });
  const ids = new Set(found.map((row) => row.event_id));
  return days.filter((day) => day.sample.some((row) => !ids.has(String(row['event_id']))));
}
