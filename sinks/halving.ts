import { RetriableError } from '../common/errors.ts';

/**
 * So many refused rows of one batch are not about rows: the table was changed, or a newer collector writes fields that it does not have. The
 * batch waits then, and with it its partition, instead of all logs becoming dead letters; somebody sees it, and nothing is lost.
 */
export const ROWS_REFUSED_MAX = 256;

/** @param cause what the store said of the last of them, if it was the store that did. */
export function tooManyRefused(store: string, cause?: unknown): RetriableError {
  return new RetriableError(
    `${store} refuses more than ${ROWS_REFUSED_MAX} rows of a batch, which are not stored until the table and the sinks fit the logs`,
    cause === undefined ? {} : { cause },
  );
}

/**
 * Finds the rows that a store refuses, by halving what it refused: some 2·log2(n) attempts for one of n rows.
 *
 * @param failureOf tries the rows from one up to another, and says why they were refused; undefined if they were not.
 * @param found called for each row that is refused by itself, in order.
 */
export async function findByHalving<Failure>(
  rows: number,
  failureOf: (from: number, to: number) => Promise<Failure | undefined>,
  found: (index: number, failure: Failure) => void,
): Promise<void> {
  async function search(from: number, to: number): Promise<void> {
    if (from === to) return;
    const failure = await failureOf(from, to);
    if (failure === undefined) return;
    if (to - from === 1) return found(from, failure);
    const middle = from + Math.ceil((to - from) / 2);
    await search(from, middle);
    await search(middle, to);
  }
  await search(0, rows);
}
