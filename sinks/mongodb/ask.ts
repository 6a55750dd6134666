import type { Db, Document } from 'mongodb';
import { RetriableError } from '../../common/errors.ts';
import { failureOf, meaningOf } from './failure.ts';
import type { WriteError } from './failure.ts';

export interface Question {
  command: Document;
  /** How long it may take in all: waiting for a server and a connection, and the answer. */
  msMax: number;
  signal: AbortSignal;
}

/** What every command that writes answers. */
export interface Answer extends Document {
  writeErrors?: WriteError[];
}

/** On most members of a replica set, in their journals: only then is it stored for good. */
export const WRITE_CONCERN = { w: 'majority', j: true } as const;

/**
 * Sends one command and returns its answer. Throws what a failure means (errors.ts); documents that were not taken are in the answer's
 * `writeErrors`.
 *
 * As plain commands and not by the driver's bulk writes, which cannot be given up by a signal, and which would try again by themselves
 * what the worker tries again with pauses.
 */
export async function ask(db: Db, { command, msMax, signal }: Question): Promise<Answer> {
  if (signal.aborted) throw new RetriableError('given up: the process is about to end');
  const bound = new AbortController();
  const giveUp = () => bound.abort();
  const timer = setTimeout(giveUp, msMax);
  signal.addEventListener('abort', giveUp, { once: true });
  let answer: Answer;
  try {
    answer = await db.command(command, { signal: bound.signal });
  } catch (error) {
    if (!bound.signal.aborted) throw meaningOf(error);
    const words = signal.aborted
      ? 'given up: the process is about to end'
      : `no answer from MongoDB within ${msMax} ms`;
    throw new RetriableError(words, { cause: error });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
  const { writeConcernError: concern } = answer as { writeConcernError?: { code?: number } };
  if (concern !== undefined) throw failureOf(concern.code, new Error(JSON.stringify(concern)));
  return answer;
}
