import pg from 'pg';
import { FatalError, RetriableError } from '../../common/errors.ts';
import { unreachable } from '../unreachable.ts';

/**
 * What a failure of PostgreSQL means is decided by its SQLSTATE and never by its words. Names are PostgreSQL's; a test asks a server for them.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */

/** Classes of codes that say that some row is of no use: the others are stored without it. */
export const ROW_CLASSES: Readonly<Record<string, string>> = {
  22: 'data_exception',
  23: 'integrity_constraint_violation',
  54: 'program_limit_exceeded',
};

/** Waiting mends none of these; somebody must change a config, or a right. */
export const FATAL_CODES: Readonly<Record<string, { name: string; words: (of: Whose) => string }>> = {
  '28000': {
    name: 'invalid_authorization_specification',
    words: ({ username }) =>
      `PostgreSQL does not let the user ${username} in (username, tls; pg_hba.conf of the server)`,
  },
  '28P01': {
    name: 'invalid_password',
    words: ({ username }) => `PostgreSQL refuses the user ${username} or its password (username, password)`,
  },
  '3D000': {
    name: 'invalid_catalog_name',
    words: ({ database, username }) =>
      `there is no database ${database}; an administrator makes it: CREATE DATABASE ${database} OWNER ${username} ENCODING 'UTF8' TEMPLATE template0`,
  },
  '3F000': {
    name: 'invalid_schema_name',
    words: () => 'the schema is gone; it is made again at the next start',
  },
  '42501': {
    name: 'insufficient_privilege',
    words: ({ username }) =>
      `the PostgreSQL user ${username} lacks rights that Tranweave needs (docs/sinks.md)`,
  },
};

/** Whose failure it is, for its words. */
export interface Whose {
  database: string;
  username: string;
}

/** Of code 'refused' class, a reason in one line for a dead letter; undefined if the error is not about a row. */
export function refusalOf(error: unknown): string | undefined {
  const code = codeOf(error);
  if (code === undefined || ROW_CLASSES[code.slice(0, 2)] === undefined) return undefined;
  return `SQLSTATE ${code}: ${oneLine((error as Error).message)}`;
}

/** Every code that is not known to be for ever is worth another attempt: nothing is lost by waiting, and the waiting is seen. */
export function meaningOf(error: unknown, whose: Whose): unknown {
  const code = codeOf(error);
  if (code === undefined) return unreachable('PostgreSQL', error);
  const fatal = FATAL_CODES[code];
  if (fatal !== undefined) return new FatalError(fatal.words(whose), { cause: error });
  return new RetriableError(`PostgreSQL cannot do it now (SQLSTATE ${code})`, { cause: error });
}

/** The SQLSTATE of what a server said; undefined if it was not a server that spoke. */
function codeOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

const WORDS_MAX = 500;

function oneLine(words: string): string {
  return words.replaceAll(/\s+/g, ' ').slice(0, WORDS_MAX);
}
