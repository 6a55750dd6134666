import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { RetriableError } from '../../common/errors.ts';
import { ClickHouseFailure, meaningOf } from './failure.ts';

export interface Question {
  sql: string;
  /** Values of the query's `{name:Type}`. */
  params?: Record<string, string>;
  /** Rows of an INSERT, as bytes. */
  rows?: Readable;
  settings?: ClickHouseSettings;
  signal: AbortSignal;
}

/**
 * Sends one statement and returns the answer, read to its end: only then is an INSERT known to have ended, and the connection free. Throws a
 * ClickHouseFailure when ClickHouse refuses it, and what the failure means (errors.ts) when ClickHouse cannot be asked.
 *
 * By `exec`, which takes rows as bytes, and with the error's answer left to us: the client itself reads the code out of the message's text.
 */
export async function ask(client: ClickHouseClient, question: Question): Promise<string> {
  const { sql, params, rows, settings, signal } = question;
  // The client only hears of an abort that comes later.
  if (signal.aborted) throw new RetriableError('given up: the process is about to end');
  const request = {
    query: sql,
    abort_signal: signal,
    ignore_error_response: true,
    clickhouse_settings: {
      ...settings,
      // The status tells how it ended, not how it began.
      wait_end_of_query: 1 as const,
    },
    ...(params === undefined ? {} : { query_params: params }),
  };
  let status: number;
  let code: number;
  let answer: string;
  try {
    const result = await client.exec(rows === undefined ? request : { ...request, values: rows });
    status = result.http_status_code ?? 0;
    code = Number(result.response_headers['x-clickhouse-exception-code'] ?? 0);
    answer = await text(result.stream);
  } catch (error) {
    throw meaningOf(error);
  }
  if (status !== 200 || code !== 0) throw new ClickHouseFailure(status, code, answer);
  return answer;
}

/** The rows of a query. */
export async function askRows<Row>(client: ClickHouseClient, question: Question): Promise<Row[]> {
  const answer = await ask(client, { ...question, sql: `${question.sql}\nFORMAT JSONEachRow` });
  return answer
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}
