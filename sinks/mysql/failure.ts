import { FatalError, RetriableError } from '../../common/errors.ts';
import { unreachable } from '../unreachable.ts';

/**
 * What a failure of MySQL or MariaDB means is decided by its number and never by its words. Names are the servers'.
 * https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html, https://mariadb.com/kb/en/mariadb-error-codes/
 *
 * These say that some row is of no use: the others are stored without it.
 */
export const ROW_ERRORS: Readonly<Record<number, string>> = {
  1048: 'ER_BAD_NULL_ERROR',
  1062: 'ER_DUP_ENTRY',
  1118: 'ER_TOO_BIG_ROWSIZE',
  1264: 'ER_WARN_DATA_OUT_OF_RANGE',
  1265: 'WARN_DATA_TRUNCATED',
  1292: 'ER_TRUNCATED_WRONG_VALUE',
  1366: 'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD',
  1367: 'ER_ILLEGAL_VALUE_FOR_TYPE',
  1406: 'ER_DATA_TOO_LONG',
  1690: 'ER_DATA_OUT_OF_RANGE',
  3140: 'ER_INVALID_JSON_TEXT',
  3141: 'ER_INVALID_JSON_TEXT_IN_PARAM',
  3157: 'ER_JSON_DOCUMENT_TOO_DEEP',
  3819: 'ER_CHECK_CONSTRAINT_VIOLATED',
  4025: 'ER_CONSTRAINT_FAILED',
};

/** Whose failure it is, for its words. */
export interface Whose {
  database: string;
  username: string;
}

const LETS_NOBODY_IN = ({ username }: Whose) =>
  `MySQL refuses the user ${username} or its password (username, password)`;
const LACKS_RIGHTS = ({ username, database }: Whose) =>
  `the MySQL user ${username} lacks rights on the database ${database} that Tranweave needs (docs/sinks.md)`;

/** Waiting mends none of these; somebody must change a config, or a right. */
export const FATAL_ERRORS: Readonly<Record<number, { name: string; words: (of: Whose) => string }>> = {
  1044: {
    name: 'ER_DBACCESS_DENIED_ERROR',
    words: ({ database, username }) =>
      `the MySQL user ${username} may not use the database ${database}, or it is not there; an administrator runs: CREATE DATABASE IF NOT EXISTS ${database}; GRANT … (docs/sinks.md)`,
  },
  1045: { name: 'ER_ACCESS_DENIED_ERROR', words: LETS_NOBODY_IN },
  1049: {
    name: 'ER_BAD_DB_ERROR',
    words: ({ database }) =>
      `there is no database ${database}; an administrator makes it: CREATE DATABASE ${database}`,
  },
  1130: { name: 'ER_HOST_NOT_PRIVILEGED', words: LETS_NOBODY_IN },
  1142: { name: 'ER_TABLEACCESS_DENIED_ERROR', words: LACKS_RIGHTS },
  1143: { name: 'ER_COLUMNACCESS_DENIED_ERROR', words: LACKS_RIGHTS },
  1227: { name: 'ER_SPECIFIC_ACCESS_DENIED_ERROR', words: LACKS_RIGHTS },
  1251: { name: 'ER_NOT_SUPPORTED_AUTH_MODE', words: LETS_NOBODY_IN },
  1698: { name: 'ER_ACCESS_DENIED_NO_PASSWORD_ERROR', words: LETS_NOBODY_IN },
  1820: { name: 'ER_MUST_CHANGE_PASSWORD', words: LETS_NOBODY_IN },
  1862: { name: 'ER_MUST_CHANGE_PASSWORD_LOGIN', words: LETS_NOBODY_IN },
  3118: { name: 'ER_ACCOUNT_HAS_BEEN_LOCKED', words: LETS_NOBODY_IN },
  4151: { name: 'ER_ACCOUNT_HAS_BEEN_LOCKED', words: LETS_NOBODY_IN },
};

/** A statement is larger than the server takes. It would cut the connection without saying why, so it is not even sent. */
export class PacketTooLargeError extends Error {
  override readonly name = 'PacketTooLargeError';
}

/** A reason in one line for a dead letter; undefined if the error is not about a row. */
export function refusalOf(error: unknown): string | undefined {
  if (error instanceof PacketTooLargeError) return error.message;
  const errno = errnoOf(error);
  const name = errno === undefined ? undefined : ROW_ERRORS[errno];
  return name === undefined ? undefined : `${name}: ${oneLine((error as Error).message)}`;
}

/** Every number that is not known to be for ever is worth another attempt: nothing is lost by waiting, and the waiting is seen. */
export function meaningOf(error: unknown, whose: Whose): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return unreachable('MySQL', error);
  const fatal = FATAL_ERRORS[errno];
  if (fatal !== undefined) return new FatalError(fatal.words(whose), { cause: error });
  return new RetriableError(`MySQL cannot do it now (error ${errno})`, { cause: error });
}

/** Numbers of servers begin here; those of the system are negative. */
const ERRNO_MIN = 1000;

/** The number of what a server said; undefined if it was not a server that spoke. */
export function errnoOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { errno } = error as { errno?: unknown };
  return typeof errno === 'number' && errno >= ERRNO_MIN ? errno : undefined;
}

const WORDS_MAX = 500;

function oneLine(words: string): string {
  return words.replaceAll(/\s+/g, ' ').slice(0, WORDS_MAX);
}
