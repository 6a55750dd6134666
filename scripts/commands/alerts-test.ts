import type { ClickHouseClient } from '@clickhouse/client';
import * as v from 'valibot';
import { systemClock } from '../../common/clock.ts';
import { duration } from '../../common/config-values.ts';
import type { DeadLetter } from '../../common/dead-letter.ts';
import { describeError, FatalError, RetriableError } from '../../common/errors.ts';
import { createFlowFinder } from '../../common/flow.ts';
import type { Summary } from '../../common/summary.ts';
import { slowBounds } from '../../sinks/alerting/count-batch.ts';
import { createReplay } from '../../sinks/alerting/replay.ts';
import { formatReplay, timeIn } from '../alerts/format.ts';
import { clickHouseClient } from '../clickhouse-client.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';

export interface TestRulesOptions {
  config: string;
  since: string;
  rule: string[];
  zone: string;
}

/** Nobody reads alerts of longer ago, and buckets would be too many. */
const SINCE_MS_MAX = 31 * 86_400_000;

/** Replays what ClickHouse holds through the rules of a config, and prints what would have fired. Nobody is told. */
export async function testRules(options: TestRulesOptions): Promise<void> {
  const config = loadTranweaveConfig(options.config);
  const { rules } = config.alerts;
  for (const name of options.rule) {
    if (!rules.some((rule) => rule.name === name))
      throw new FatalError(
        `the config has no rule ${name}; it has: ${rules.map((rule) => rule.name).join(', ') || 'none'}`,
      );
  }
  const chosen = rules.filter(({ name }) => options.rule.length === 0 || options.rule.includes(name));
  if (chosen.length === 0) throw new FatalError('the config has no rules in `alerts.rules`');
  const since = v.safeParse(
    v.pipe(duration('how long ago'), v.maxValue(SINCE_MS_MAX, 'must be at most 31d')),
    options.since,
  );
  if (!since.success) throw new FatalError(`--since ${since.issues[0].message}`);
  const client = clickHouseClient(config);
  if (client === undefined)
    throw new FatalError('the config has no sink of type clickhouse, and so nothing to replay');
  const until = systemClock.now();
  const from = until - since.output;
  const replay = createReplay(
    { ...config.alerts, rules: chosen },
    {
      bucketMs: config.alerts.resolution,
      findFlow: createFlowFinder(config),
      slow: slowBounds(chosen),
    },
  );
  let summaries = 0;
  try {
    summaries = await eachRow(client, SUMMARIES, from, (row) => replay.addSummary(row as Summary));
    await eachRow(client, DEAD_LETTERS, from, (row) => replay.addDeadLetter(row as DeadLetter));
  } catch (error) {
    throw new RetriableError(`ClickHouse cannot be asked: ${describeError(error)}`);
  } finally {
    await client.close();
  }
  const alerts = replay.run(from, until);
  const time = timeIn(options.zone);
  const lines = [
    `${summaries} transactions that changed from ${time(from)} to ${time(until)}, ${chosen.length} rules`,
    '',
    alerts.length === 0 ? 'nothing would have fired' : formatReplay(alerts, options.zone),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

const SUMMARIES = `SELECT transaction_id, interface_id, target_system, status, duration_ms, steps, error_step, error_branch, error_code,
    error_message, error_at, late, created_at, updated_at
  FROM transaction_summary_since(since = fromUnixTimestamp64Milli({since:Int64}))
  ORDER BY updated_at`;
const DEAD_LETTERS = `SELECT input, stage, reason, event_id, ingest_time
  FROM dead_letter FINAL
  WHERE ingest_time >= fromUnixTimestamp64Milli({since:Int64})
  ORDER BY ingest_time`;

/** @returns how many rows there were. */
async function eachRow(
  client: ClickHouseClient,
  query: string,
  since: number,
  take: (row: unknown) => void,
): Promise<number> {
  const result = await client.query({
    query,
    query_params: { since },
    format: 'JSONEachRow',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0, date_time_output_format: 'iso' },
  });
  let count = 0;
  for await (const rows of result.stream()) {
    for (const row of rows) take(row.json());
    count += rows.length;
  }
  return count;
}
