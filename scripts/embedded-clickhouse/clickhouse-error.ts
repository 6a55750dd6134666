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
const NAMES_OF: Readonly<Record<number, string>> = {
  400: `BAD_ARGUMENTS CANNOT_COMPILE_REGEXP CANNOT_PARSE_TEXT CANNOT_PARSE_ESCAPE_SEQUENCE CANNOT_PARSE_QUOTED_STRING CANNOT_PARSE_DATE
    CANNOT_PARSE_DATETIME CANNOT_PARSE_NUMBER CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING CANNOT_PARSE_IPV4 CANNOT_PARSE_IPV6
    CANNOT_PARSE_INPUT_ASSERTION_FAILED CANNOT_PARSE_UUID DUPLICATE_COLUMN ILLEGAL_COLUMN UNKNOWN_ELEMENT_IN_AST UNKNOWN_TYPE_OF_AST_NODE
    THERE_IS_NO_COLUMN TOO_DEEP_AST TOO_BIG_AST UNEXPECTED_AST_STRUCTURE SYNTAX_ERROR INCORRECT_DATA TYPE_MISMATCH
    VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE`,
  401: 'REQUIRED_PASSWORD',
  403: 'UNKNOWN_USER WRONG_PASSWORD AUTHENTICATION_FAILED SET_NON_GRANTED_ROLE ACCESS_DENIED',
  404: `UNKNOWN_TABLE UNKNOWN_FUNCTION UNKNOWN_IDENTIFIER UNKNOWN_TYPE UNKNOWN_STORAGE UNKNOWN_DATABASE UNKNOWN_SETTING
    UNKNOWN_DIRECTION_OF_SORTING UNKNOWN_AGGREGATE_FUNCTION UNKNOWN_FORMAT UNKNOWN_DATABASE_ENGINE UNKNOWN_TYPE_OF_QUERY UNKNOWN_ROLE`,
  408: 'TIMEOUT_EXCEEDED',
  // The second is of the front alone.
  413: 'QUERY_IS_TOO_LARGE REQUEST_ENTITY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  501: 'NOT_IMPLEMENTED',
  503: 'SOCKET_TIMEOUT CANNOT_OPEN_FILE CANNOT_SCHEDULE_TASK',
};
const STATUS_OF: ReadonlyMap<string, number> = new Map(
  Object.entries(NAMES_OF).flatMap(([status, names]) =>
    names.split(/\s+/).map((name) => [name, Number(status)] as const),
  ),
);

/** What the engine threw, as ClickHouse would answer it. */
export function toHttpError(error: unknown): HttpError {
  const { code, name, words } = partsOf(error);
  return clickHouseError(code, name, words);
}

/** The engine tells all of an error in one text. */
export function partsOf(error: unknown): { code: number; name: string; words: string } {
  const message = error instanceof Error ? error.message : String(error);
  const found = /Code: (\d+)\. DB::Exception: ([\s\S]*)/.exec(message);
  if (found === null) return { code: 1002, name: 'UNKNOWN_EXCEPTION', words: message };
  const [, code = '', told = ''] = found;
  const [, before = told, name = ''] = /^([\s\S]*?)\.? \(([A-Z][A-Z0-9_]+)\)\s*$/.exec(told) ?? [];
  return { code: Number(code), name, words: withoutFile(code, before) };
}

/** An insert of rows tells its code twice, and of the file that they are read from (row-files.ts). */
function withoutFile(code: string, words: string): string {
  return words
    .replace(new RegExp(`^(?:Code: ${code}\\. DB::Exception: )+`), '')
    .replace(/: \(in file\/uri [^)]*\): While executing/, ': While executing')
    .replace(/\. \([A-Z0-9_]+\) \(version [^)]*\)$/, '')
    .replace(/(?:: While executing File)?: data for INSERT was parsed from file$/, '');
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
  return STATUS_OF.get(name) ?? 500;
}
