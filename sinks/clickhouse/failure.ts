import { FatalError, RetriableError } from '../../common/errors.ts';
import { PressureError } from '../pressure.ts';
import type { Pressure } from '../pressure.ts';
import { unreachable } from '../unreachable.ts';

/** ClickHouse, or something before it, refused a request. */
export class ClickHouseFailure extends Error {
  override readonly name = 'ClickHouseFailure';
  /** Of HTTP. */
  readonly status: number;
  /** ClickHouse's own; 0 if the answer did not come from ClickHouse. */
  readonly code: number;

  constructor(status: number, code: number, answer: string) {
    super(`HTTP ${status}: ${wordsOf(answer)}`);
    this.status = status;
    this.code = code;
    this.words = wordsOf(answer);
  }

  /** The reason in one line, without what only matters to ClickHouse's own people. */
  readonly words: string;
}

const WORDS_MAX = 500;

function wordsOf(answer: string): string {
  const [line = ''] = answer.trim().split('\n');
  return line
    .replace(/^(?:Code: \d+\. DB::Exception: )+/, '')
    .replace(/: \(at row \d+\)$/, '')
    .slice(0, WORDS_MAX);
}

/**
 * What a failure of ClickHouse means is decided by its code and never by its words. Names are ClickHouse's; a test asks the engine for them.
 * https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
 *
 * These say that some row is of no use: the others are stored without it.
 */
export const ROW_CODES: Readonly<Record<number, string>> = {
  6: 'CANNOT_PARSE_TEXT',
  25: 'CANNOT_PARSE_ESCAPE_SEQUENCE',
  26: 'CANNOT_PARSE_QUOTED_STRING',
  27: 'CANNOT_PARSE_INPUT_ASSERTION_FAILED',
  33: 'CANNOT_READ_ALL_DATA',
  38: 'CANNOT_PARSE_DATE',
  41: 'CANNOT_PARSE_DATETIME',
  53: 'TYPE_MISMATCH',
  69: 'ARGUMENT_OUT_OF_BOUND',
  70: 'CANNOT_CONVERT_TYPE',
  72: 'CANNOT_PARSE_NUMBER',
  117: 'INCORRECT_DATA',
  128: 'TOO_LARGE_ARRAY_SIZE',
  130: 'CANNOT_READ_ARRAY_FROM_TEXT',
  131: 'TOO_LARGE_STRING_SIZE',
  306: 'TOO_DEEP_RECURSION',
  321: 'VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE',
  349: 'CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN',
  467: 'CANNOT_PARSE_BOOL',
  469: 'VIOLATED_CONSTRAINT',
};

/** Waiting mends none of these; somebody must change a config. */
export const FATAL_CODES: Readonly<Record<number, { name: string; words: string }>> = {
  81: { name: 'UNKNOWN_DATABASE', words: 'the database is gone; it is made again at the next start' },
  115: { name: 'UNKNOWN_SETTING', words: 'this ClickHouse is too old for Tranweave' },
  164: { name: 'READONLY', words: 'the ClickHouse user may only read' },
  192: { name: 'UNKNOWN_USER', words: 'ClickHouse does not know the user (username)' },
  193: { name: 'WRONG_PASSWORD', words: 'ClickHouse refuses the password (password)' },
  194: { name: 'REQUIRED_PASSWORD', words: 'ClickHouse wants a password (password)' },
  291: { name: 'DATABASE_ACCESS_DENIED', words: 'the ClickHouse user lacks rights that Tranweave needs' },
  497: { name: 'ACCESS_DENIED', words: 'the ClickHouse user lacks rights that Tranweave needs' },
  516: {
    name: 'AUTHENTICATION_FAILED',
    words: 'ClickHouse refuses the user or password (username, password)',
  },
  701: { name: 'CLUSTER_DOESNT_EXIST', words: 'ClickHouse knows no cluster of this name (cluster.name)' },
};

/** ClickHouse has too much to do; what comes next is paced by it. */
export const PRESSURE_CODES: Readonly<Record<number, { name: string; pressure: Pressure }>> = {
  173: { name: 'CANNOT_ALLOCATE_MEMORY', pressure: 'memory' },
  202: { name: 'TOO_MANY_SIMULTANEOUS_QUERIES', pressure: 'requests' },
  241: { name: 'MEMORY_LIMIT_EXCEEDED', pressure: 'memory' },
  252: { name: 'TOO_MANY_PARTS', pressure: 'parts' },
  439: { name: 'CANNOT_SCHEDULE_TASK', pressure: 'requests' },
};

/** Statuses of HTTP without a code of ClickHouse: a proxy stands before it and asks for patience. */
const BUSY_STATUSES: ReadonlySet<number> = new Set([429, 503]);
/** Or it refuses us. */
const FATAL_STATUSES: ReadonlySet<number> = new Set([401, 403, 407]);

export function isRowFailure(error: unknown): error is ClickHouseFailure {
  return error instanceof ClickHouseFailure && ROW_CODES[error.code] !== undefined;
}

/** Why ClickHouse does not take a row, for its dead letter. */
export function reasonOf(failure: ClickHouseFailure): string {
  return `${ROW_CODES[failure.code] ?? `error ${failure.code}`}: ${failure.words}`;
}

/**
 * The error to throw. Every code that is not known to be for ever is worth another attempt (too many parts, memory, a table that is
 * missing for now): nothing is lost by waiting, and the waiting is seen.
 */
export function meaningOf(error: unknown): unknown {
  if (error instanceof ClickHouseFailure) {
    const fatal = FATAL_CODES[error.code];
    if (fatal !== undefined) return new FatalError(fatal.words, { cause: error });
    if (error.code === 0 && FATAL_STATUSES.has(error.status)) {
      return new FatalError('a proxy before ClickHouse refuses us', { cause: error });
    }
    const pressure = pressureOf(error);
    if (pressure !== undefined)
      return new PressureError(pressure, 'ClickHouse has too much to do', { cause: error });
    return new RetriableError(`ClickHouse cannot do it now (code ${error.code})`, { cause: error });
  }
  return unreachable('ClickHouse', error);
}

function pressureOf({ code, status }: ClickHouseFailure): Pressure | undefined {
  if (code === 0) return BUSY_STATUSES.has(status) ? 'requests' : undefined;
  return PRESSURE_CODES[code]?.pressure;
}
