import { PermanentError, RetriableError } from '../../../common/errors.ts';
import { SEND_MS_MAX } from './channel.ts';

/** JSON by HTTP, and what an answer means: see channel.ts. */

/** Answers that another attempt may change: the receiver is busy, or took too long. */
const RETRIABLE_STATUS = new Set([408, 425, 429]);
const WORDS_MAX = 200;

export async function postJson(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  let response: Response;
  let words: string;
  // A timer of our own: a timeout that only AbortSignal.any knows may be collected before it fires.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer in ${SEND_MS_MAX / 1000} s`)), SEND_MS_MAX);
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      // A receiver that has moved is the operator's to know; a signed body goes nowhere else.
      redirect: 'manual',
      signal: AbortSignal.any([signal, late.signal]),
    });
    words = (await response.text()).replaceAll(/\s+/g, ' ').trim().slice(0, WORDS_MAX);
  } catch (error) {
    throw new RetriableError(`${hostOf(url)} cannot be reached`, { cause: causeOf(error) });
  } finally {
    clearTimeout(timer);
  }
  if (response.ok) return;
  const told = `${hostOf(url)} answers ${response.status}${words === '' ? '' : ` (${words})`}`;
  if (response.status >= 500 || RETRIABLE_STATUS.has(response.status)) throw new RetriableError(told);
  throw new PermanentError(told);
}

/** What fetch throws says only that it failed; why is in its cause. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

/** Without paths and passwords, which are secrets of some receivers. */
function hostOf(url: string): string {
  return new URL(url).host;
}
