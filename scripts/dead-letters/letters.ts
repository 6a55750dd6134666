import type { ClickHouseClient } from '@clickhouse/client';
import { systemClock } from '../../common/clock.ts';
import type { DeadLetter } from '../../common/dead-letter.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';

/** Dead letters in ClickHouse: which there are, and writing down what became of them. */

export interface StoredLetter extends DeadLetter {
  /** '' while it is open. */
  resolution: '' | Resolution;
}

export type Resolution = 'retried' | 'dropped';

/** Which dead letters are meant; all conditions together. */
export interface Selection {
  /** Event ids; any if there are none. */
  ids: readonly string[];
  input?: string;
  stage?: string;
  /** Refused at or after this time, ms since 1970. */
  since?: number;
  /** Whether those that were retried or dropped count as well. */
  resolved: boolean;
}

export interface LetterCount {
  input: string;
  stage: string;
  reason: string;
  letters: number;
  newest: string;
}

/** Letters of one page: raw bytes are in memory for that long. */
const PAGE = 200;
const COLUMNS = 'event_id, stage, input, channel, reason, ingest_time, raw_base64, meta';
const SETTINGS = { output_format_json_quote_64bit_integers: 0, date_time_output_format: 'iso' } as const;

/** How many there are by input, stage and reason, most first. */
export async function countLetters(client: ClickHouseClient, selection: Selection): Promise<LetterCount[]> {
  const { where, params } = conditionsOf(selection);
  return rowsOf<LetterCount>(
    client,
    `SELECT input, stage, reason, count() AS letters, max(ingest_time) AS newest
     FROM dead_letter FINAL WHERE ${where} GROUP BY input, stage, reason ORDER BY letters DESC, newest DESC LIMIT 50`,
    params,
  );
}

export async function newestLetters(
  client: ClickHouseClient,
  selection: Selection,
  limit: number,
): Promise<StoredLetter[]> {
  const { where, params } = conditionsOf(selection);
  return rowsOf<StoredLetter>(
    client,
    `SELECT ${COLUMNS}, resolution FROM dead_letter FINAL WHERE ${where}
     ORDER BY ingest_time DESC, event_id DESC LIMIT {limit:UInt32}`,
    { ...params, limit },
  );
}

/** Those of the ids that are of dead letters, whatever became of them. */
export async function idsThatAre(client: ClickHouseClient, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await rowsOf<{ event_id: string }>(
    client,
    'SELECT DISTINCT event_id FROM dead_letter WHERE event_id IN {ids:Array(String)}',
    { ids },
  );
  return new Set(rows.map((row) => row.event_id));
}

/** All that are selected, page by page in the order of the table's key, so that what is resolved on the way does not matter. */
export async function* pagesOfLetters(
  client: ClickHouseClient,
  selection: Selection,
): AsyncGenerator<StoredLetter[]> {
  const { where, params } = conditionsOf(selection);
  let after = { input: '', event_id: '', stage: '' };
  for (;;) {
    const page = await rowsOf<StoredLetter>(
      client,
      `SELECT ${COLUMNS}, resolution FROM dead_letter FINAL
       WHERE ${where} AND (input, event_id, stage) > ({after_input:String}, {after_id:String}, {after_stage:String})
       ORDER BY input, event_id, stage LIMIT ${PAGE}`,
      { ...params, after_input: after.input, after_id: after.event_id, after_stage: after.stage },
    );
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last;
  }
}

/** Writes down what became of them: their rows once more, of which the last one stays. */
export async function resolveLetters(
  client: ClickHouseClient,
  letters: readonly DeadLetter[],
  resolution: Resolution,
): Promise<void> {
  const resolved_at = timestampFromMillis(systemClock.now());
  const values = letters.map((letter) => ({ ...letter, resolution, resolved_at }));
  await client.insert({
    table: 'dead_letter',
    values,
    format: 'JSONEachRow',
    clickhouse_settings: { date_time_input_format: 'best_effort' },
  });
}

function conditionsOf({ ids, input, stage, since, resolved }: Selection) {
  const params: Record<string, unknown> = {};
  const conditions = [resolved ? 'true' : "resolution = ''"];
  const add = (condition: string, name: string, value: unknown) => {
    conditions.push(condition);
    params[name] = value;
  };
  if (ids.length > 0) add('event_id IN {ids:Array(String)}', 'ids', ids);
  if (input !== undefined) add('input = {input:String}', 'input', input);
  if (stage !== undefined) add('stage = {stage:String}', 'stage', stage);
  if (since !== undefined) add('ingest_time >= fromUnixTimestamp64Milli({since:Int64})', 'since', since);
  return { where: conditions.join(' AND '), params };
}

async function rowsOf<T>(
  client: ClickHouseClient,
  query: string,
  params: Record<string, unknown>,
): Promise<T[]> {
  const result = await client.query({
    query,
    query_params: params,
    format: 'JSONEachRow',
    clickhouse_settings: SETTINGS,
  });
  return result.json<T>();
}
