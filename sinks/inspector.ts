/**
 * Looks into a store, so that `tranweave verify` can compare it with Redis. It only reads. Each call throws a RetriableError when
 * the store is away, and a FatalError when it cannot be asked at all (wrong password, no tables).
 */
export interface Inspector {
  /** How many logs the store has that were collected in a span of time, by input and interface. */
  logs(collected: Span, signal: AbortSignal): Promise<StoredLogs[]>;
  /** What the store has of these transactions; those that it does not know are left out. */
  transactions(asked: AskedTransactions, signal: AbortSignal): Promise<Map<string, StoredTransaction>>;
}

/** Canonical times (common/timestamp.ts): the first that is in it, and the first that is not any more. */
export interface Span {
  from: string;
  until: string;
}

export interface StoredLogs {
  input: string;
  /** '' for logs without one. */
  interface_id: string;
  /** Rows, with those that come again and have not collapsed yet where the store does that later. */
  rows: number;
  /** Different logs. */
  logs: number;
}

export interface AskedTransactions {
  ids: readonly string[];
  /** Times (common/timestamp.ts) between which all of their logs happened: a store need not look elsewhere. */
  from: string;
  to: string;
}

export interface StoredTransaction {
  /** The newest revision of its summary; absent if the store has only logs of it. Times are canonical. */
  summary?: { created_at: string; version: number; last_event_at: string };
  /** Event ids of its logs. */
  event_ids: string[];
}

/** Puts together what a store tells of logs and of summaries by itself. */
export function storedTransactions(
  logs: Iterable<{ transaction_id: string; event_id: string }>,
  summaries: Iterable<{ transaction_id: string } & NonNullable<StoredTransaction['summary']>>,
): Map<string, StoredTransaction> {
  const stored = new Map<string, StoredTransaction>();
  const of = (id: string) => {
    const known = stored.get(id) ?? { event_ids: [] };
    stored.set(id, known);
    return known;
  };
  for (const { transaction_id, event_id } of logs) of(transaction_id).event_ids.push(event_id);
  for (const { transaction_id, created_at, version, last_event_at } of summaries) {
    of(transaction_id).summary = { created_at, version, last_event_at };
  }
  return stored;
}
