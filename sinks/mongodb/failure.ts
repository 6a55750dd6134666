import {
  MongoCompatibilityError,
  MongoError,
  MongoInvalidArgumentError,
  MongoMissingDependencyError,
  MongoParseError,
  MongoServerError,
} from 'mongodb';
import { FatalError, RetriableError } from '../../common/errors.ts';

/**
 * What a failure of MongoDB means is decided by its code and never by its words. Names are MongoDB's.
 * https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
 */

/** A unique index has the document already. */
export const DUPLICATE_KEY = 11000;

/** Of an index that is there under another name, or with other options. */
export const INDEX_CONFLICTS: ReadonlySet<unknown> = new Set([85, 86]);

/** What a server that only speaks MongoDB's protocol says of what it has not. */
export const NOT_IMPLEMENTED = 238;

/** These say that a document is of no use: the others are stored without it. */
export const ROW_CODES: Readonly<Record<number, string>> = {
  2: 'BadValue',
  9: 'FailedToParse',
  14: 'TypeMismatch',
  15: 'Overflow',
  22: 'InvalidBSON',
  52: 'DollarPrefixedFieldName',
  53: 'InvalidIdField',
  55: 'InvalidDBRef',
  56: 'EmptyFieldName',
  57: 'DottedFieldName',
  121: 'DocumentValidationFailure',
  171: 'CannotIndexParallelArrays',
  10334: 'BSONObjectTooLarge',
  17280: 'KeyTooLong',
};

/** Waiting mends none of these; somebody must change a config. */
export const FATAL_CODES: Readonly<Record<number, { name: string; words: string }>> = {
  11: { name: 'UserNotFound', words: 'MongoDB does not know the user (username)' },
  13: {
    name: 'Unauthorized',
    words:
      'the MongoDB user lacks rights that Tranweave needs (readWrite on the database, and dbAdmin when a retention changes), or there is no user and MongoDB wants one (username, password)',
  },
  18: {
    name: 'AuthenticationFailed',
    words: 'MongoDB refuses the user or password (username, password, authSource in the url)',
  },
  59: { name: 'CommandNotFound', words: 'this server does not know a command that Tranweave needs' },
  72: { name: 'InvalidOptions', words: 'this MongoDB does not take an option that Tranweave needs' },
  73: { name: 'InvalidNamespace', words: 'MongoDB does not take the name of the database (database)' },
  79: { name: 'UnknownReplWriteConcern', words: 'this MongoDB does not know the write concern `majority`' },
  166: { name: 'CommandNotSupportedOnView', words: 'one of the collections is a view in this database' },
  334: {
    name: 'MechanismUnavailable',
    words: 'MongoDB does not offer this way of authentication (authMechanism in the url)',
  },
  8000: { name: 'AtlasError', words: 'Atlas refuses the user or password (username, password)' },
};

/** The error to throw for a code. What is not known to be for ever is worth another attempt: nothing is lost by waiting, and the waiting is seen. */
export function failureOf(code: number | string | undefined, cause: unknown): FatalError | RetriableError {
  const fatal = typeof code === 'number' ? FATAL_CODES[code] : undefined;
  if (fatal !== undefined) return new FatalError(fatal.words, { cause });
  return new RetriableError(`MongoDB cannot do it now (code ${code ?? 'unknown'})`, { cause });
}

/** What the driver threw, as what it means (errors.ts). Bugs stay what they are. */
export function meaningOf(error: unknown): unknown {
  if (error instanceof RetriableError || error instanceof FatalError) return error;
  if (error instanceof MongoServerError) return failureOf(error.code, error);
  if (
    error instanceof MongoParseError ||
    error instanceof MongoInvalidArgumentError ||
    error instanceof MongoMissingDependencyError
  )
    return new FatalError('the settings of the MongoDB sink cannot be used', { cause: error });
  if (error instanceof MongoCompatibilityError)
    return new FatalError('this MongoDB is too old for Tranweave', { cause: error });
  if (error instanceof MongoError) return new RetriableError('MongoDB cannot be reached', { cause: error });
  return error;
}

/** What one document of a command met with, as the server tells it. */
export interface WriteError {
  index: number;
  code: number;
  errmsg: string;
  /** The fields of the unique index that has it already; not every server says. */
  keyPattern?: Readonly<Record<string, unknown>>;
}

const WORDS_MAX = 500;

/** Why MongoDB does not take a row, for its dead letter. */
export function reasonOf({ code, errmsg }: WriteError): string {
  const name = code === DUPLICATE_KEY ? 'DuplicateKey' : (ROW_CODES[code] ?? `error ${code}`);
  return `${name}: ${errmsg.replaceAll(/\s+/g, ' ').slice(0, WORDS_MAX)}`;
}
