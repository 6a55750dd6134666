import { ClickHouseError } from '@clickhouse/client';
import type { ClickHouseClient } from '@clickhouse/client';
import { unavailable } from './problem.ts';

/** Asks and returns the rows. Bounded by the client's timeout and by `signal`. Throws a 503 while the store cannot answer. */
export type AskClickHouse = <Row>(
  query: string,
  parameters: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
) => Promise<Row[]>;

/** What the server may spend on a question; less than the client waits. */
const EXECUTION_SECONDS_MAX = 4;

/** Codes of errors that are no mistake of ours, with what a caller is told. https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp */
const NOT_NOW: Readonly<Record<string, string>> = {
  '60': 'the tables are not there yet: the sinks make them',
  '81': 'the database is not there yet: the sinks make it',
  '159': 'the question takes too long: ask for fewer days, or for a business key',
  '160': 'the question takes too long: ask for fewer days, or for a business key',
  '202': 'ClickHouse has too much to do',
  '209': 'ClickHouse did not answer in time',
  '210': 'ClickHouse cannot be reached',
  '241': 'the question takes too much memory: ask for fewer days, or for a business key',
  '242': 'ClickHouse cannot answer now',
  '497': 'ClickHouse does not let the API ask',
  '516': 'ClickHouse does not let the API in',
};

export function askClickHouse(client: ClickHouseClient): AskClickHouse {
  return async <Row>(query: string, parameters: Readonly<Record<string, unknown>>, signal: AbortSignal) => {
    try {
      const result = await client.query({
        query,
        query_params: { ...parameters },
        format: 'JSONEachRow',
        abort_signal: signal,
        clickhouse_settings: {
          max_execution_time: EXECUTION_SECONDS_MAX,
          output_format_json_quote_64bit_integers: 0,
          date_time_output_format: 'iso',
        },
      });
      return await result.json<Row>();
    } catch (error) {
      throw meaningOf(error);
    }
  };
}

function meaningOf(error: unknown): unknown {
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return error;
  if (!(error instanceof ClickHouseError))
    return unavailable('ClickHouse cannot be reached, or does not answer in time', error);
  const words = NOT_NOW[error.code];
  return words === undefined ? error : unavailable(words, error);
}
