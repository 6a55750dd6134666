import { ClickHouseError } from '@clickhouse/client';
import { FatalError, RetriableError } from '../../common/errors.ts';

/**
 * What a failure of ClickHouse means, by its code and never by its words.
 * https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
 */

/** Some row of the batch is of no use: the batch is taken apart to find it. */
const ROWS = new Set([
  '6', // CANNOT_PARSE_TEXT
  '25', // CANNOT_PARSE_ESCAPE_SEQUENCE
  '26', // CANNOT_PARSE_QUOTED_STRING
  '27', // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  '33', // CANNOT_READ_ALL_DATA
  '38', // CANNOT_PARSE_DATE
  '41', // CANNOT_PARSE_DATETIME
  '53', // TYPE_MISMATCH
  '69', // ARGUMENT_OUT_OF_BOUND
  '70', // CANNOT_CONVERT_TYPE
  '72', // CANNOT_PARSE_NUMBER
  '117', // INCORRECT_DATA
  '130', // CANNOT_READ_ARRAY_FROM_TEXT
  '131', // TOO_LARGE_STRING_SIZE
  '321', // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  '349', // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  '467', // CANNOT_PARSE_BOOL
  '469', // VIOLATED_CONSTRAINT
]);

/** Waiting mends none of these. */
const FATAL: Readonly<Record<string, string>> = {
  '192': 'ClickHouse does not know the user (username)',
  '193': 'ClickHouse refuses the password (password)',
  '194': 'ClickHouse wants a password (password)',
  '497': 'the ClickHouse user lacks rights that Tranweave needs',
  '516': 'ClickHouse refuses the user or password (username, password)',
};

export function isRowFailure(error: unknown): error is ClickHouseError {
  return error instanceof ClickHouseError && ROWS.has(error.code);
}

/**
 * The error to throw. Every code that is not known to be for ever is worth another attempt (too many parts, memory, a table that is
 * missing for now): nothing is lost by waiting, and the waiting is seen.
 */
export function meaningOf(error: unknown): unknown {
  if (error instanceof ClickHouseError) {
    // SYNTAX_ERROR: the statement is ours, so the mistake is, too.
    if (error.code === '62') return error;
    const fatal = FATAL[error.code];
    return fatal === undefined
      ? new RetriableError(`ClickHouse cannot do it now (${error.type ?? 'error'} ${error.code})`, {
          cause: error,
        })
      : new FatalError(fatal, { cause: error });
  }
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) return error;
  return new RetriableError('ClickHouse cannot be reached', { cause: error });
}

/** The store's reason as one line. */
export function reasonOf(error: ClickHouseError): string {
  return `${error.type ?? 'error'} (${error.code}): ${error.message.split('\n')[0] ?? ''}`.slice(0, 1000);
}
