import type { IncomingMessage } from 'node:http';
import { clickHouseError } from './clickhouse-error.ts';
import type { HttpError } from './clickhouse-error.ts';

/** A request of ClickHouse's HTTP interface, taken apart. https://clickhouse.com/docs/interfaces/http */
export interface QueryRequest {
  sql: string;
  /** Rows that follow an `INSERT … FORMAT X`; empty if there are none. */
  data: Buffer;
  /** `{name: value}` of `param_name=value`, escaped as ClickHouse wants it. */
  params: Readonly<Record<string, string>>;
  settings: Readonly<Record<string, string>>;
  database: string | undefined;
  defaultFormat: string;
  queryId: string | undefined;
  compressAnswer: boolean;
  /** The answer's beginning is held back, so that its status tells of a failure at its end. */
  waitForEnd: boolean;
}

/** Parameters of the interface itself; every other one is a setting. */
const OWN_PARAMETERS = new Set([
  'query',
  'database',
  'default_format',
  'user',
  'password',
  'query_id',
  'session_id',
  'session_timeout',
  'session_check',
  'compress',
  'decompress',
  'enable_http_compression',
  'wait_end_of_query',
  'buffer_size',
  'http_headers_progress_interval_ms',
  'send_progress_in_http_headers',
  'quota_key',
  'role',
  'stacktrace',
  'close_session',
]);

export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly answer: HttpError;

  constructor(answer: HttpError) {
    super(answer.text);
    this.answer = answer;
  }
}

/** Throws a RequestError for what cannot be one. */
export function readRequest(request: IncomingMessage, body: Buffer): QueryRequest {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const inUrl = url.searchParams.get('query') ?? '';
  const { sql, data } = splitQuery(inUrl, body);
  const params: Record<string, string> = {};
  const settings: Record<string, string> = {};
  for (const [name, value] of url.searchParams) {
    if (name.startsWith('param_')) params[settingName(name.slice('param_'.length))] = value;
    else if (!OWN_PARAMETERS.has(name)) settings[settingName(name)] = value;
  }
  return {
    sql,
    data,
    params,
    settings,
    database: url.searchParams.get('database') ?? headerOf(request, 'x-clickhouse-database'),
    defaultFormat:
      url.searchParams.get('default_format') ?? headerOf(request, 'x-clickhouse-format') ?? 'TabSeparated',
    queryId: url.searchParams.get('query_id') ?? undefined,
    waitForEnd: url.searchParams.get('wait_end_of_query') === '1',
    compressAnswer:
      url.searchParams.get('enable_http_compression') === '1' &&
      /\bgzip\b/.test(headerOf(request, 'accept-encoding') ?? ''),
  };
}

export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Names go into SQL: letters only, so that nobody sends more than a name. */
function settingName(name: string): string {
  if (/^[a-z][a-z0-9_]*$/i.test(name)) return name;
  throw new RequestError(clickHouseError(115, 'UNKNOWN_SETTING', `Unknown setting '${name}'`));
}

const INSERT_WITH_FORMAT = /^\s*INSERT\s[\s\S]*?\bFORMAT\s+\w+[ \t]*;?(?:\r?\n|$)/i;

/** The query may be in the URL, in the body, or begin in the URL and go on in the body; rows of an INSERT come after its FORMAT. */
function splitQuery(inUrl: string, body: Buffer): { sql: string; data: Buffer } {
  if (inUrl !== '' && /^\s*INSERT\s/i.test(inUrl)) return { sql: inUrl, data: body };
  if (inUrl !== '')
    return { sql: body.length === 0 ? inUrl : `${inUrl}\n${body.toString()}`, data: Buffer.alloc(0) };
  // Rows are not to become text: look for the end of the statement in the head of the body only.
  const head = body.subarray(0, 64 * 1024).toString('latin1');
  const insert = INSERT_WITH_FORMAT.exec(head);
  if (insert === null) return { sql: body.toString(), data: Buffer.alloc(0) };
  const end = insert[0].length;
  return { sql: body.subarray(0, end).toString(), data: body.subarray(end) };
}
