/** An error as ClickHouse tells it over HTTP: a status, a code in a header, and `Code: 62. DB::Exception: … (SYNTAX_ERROR)` as the body. */
export interface HttpError {
  status: number;
  code: number;
  text: string;
}

/**
 * Statuses by the error's name, as ClickHouse's own HTTP handler maps them (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp);
 * what is not listed is a 500 there as well.
 */
const STATUS_OF: Readonly<Record<string, number>> = {
  REQUIRED_PASSWORD: 401,
  UNKNOWN_USER: 403,
  WRONG_PASSWORD: 403,
  AUTHENTICATION_FAILED: 403,
  TIMEOUT_EXCEEDED: 408,
  QUERY_IS_TOO_LARGE: 413,
  REQUEST_ENTITY_TOO_LARGE: 413,
  NOT_IMPLEMENTED: 501,
  CANNOT_SCHEDULE_TASK: 503,
};
const BAD_REQUEST = [
  /^CANNOT_PARSE_/,
  /^(BAD_ARGUMENTS|SYNTAX_ERROR|INCORRECT_DATA|TYPE_MISMATCH|VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE|CANNOT_COMPILE_REGEXP)$/,
  /^(DUPLICATE_COLUMN|ILLEGAL_COLUMN|THERE_IS_NO_COLUMN|TOO_DEEP_AST|TOO_BIG_AST|UNEXPECTED_AST_STRUCTURE|UNKNOWN_QUERY_PARAMETER)$/,
];
const NOT_FOUND =
  /^UNKNOWN_(TABLE|FUNCTION|IDENTIFIER|TYPE|STORAGE|DATABASE|SETTING|FORMAT|DATABASE_ENGINE|AGGREGATE_FUNCTION)$/;

/** What the engine threw, as ClickHouse would answer it. */
export function toHttpError(error: unknown): HttpError {
  const message = error instanceof Error ? error.message : String(error);
  const found = /Code: (\d+)\. DB::Exception: [\s\S]*/.exec(message);
  if (found === null) return clickHouseError(1002, 'UNKNOWN_EXCEPTION', message, 500);
  const name = /\(([A-Z][A-Z0-9_]+)\)\s*$/.exec(found[0])?.[1] ?? '';
  // An insert of rows tells its code twice.
  const text = found[0].replace(/^(Code: \d+\. DB::Exception: )\1/, '$1');
  return { status: statusOf(name), code: Number(found[1]), text };
}

/** An error of the front's own, in ClickHouse's words. */
export function clickHouseError(
  code: number,
  name: string,
  words: string,
  status = statusOf(name),
): HttpError {
  return { status, code, text: `Code: ${code}. DB::Exception: ${words}. (${name})` };
}

function statusOf(name: string): number {
  if (NOT_FOUND.test(name)) return 404;
  if (BAD_REQUEST.some((pattern) => pattern.test(name))) return 400;
  return STATUS_OF[name] ?? 500;
}
