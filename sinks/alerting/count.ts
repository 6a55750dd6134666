/**
 * What is counted of the streams, and what rules are made of: numbers by kind and labels, each in a bucket of stream time. Everything
 * else (windows, rules, states) is derived from buckets alone, so whoever reads the same buckets comes to the same alerts.
 *
 * - `came`: transactions begun, by when their first log was collected.
 * - `completed`, `failed`, `timed_out`: transactions that took this status, by when that was published.
 * - `slow`: completed ones that took longer than a rule's `longer_than`.
 * - `duration`, `queue`: durations of completed transactions and queue times of steps, as bins (histogram.ts).
 * - `dead_letter`: dead letters.
 */
export const LABELS_OF = {
  came: ['interface'],
  completed: ['interface'],
  failed: ['interface', 'step', 'branch', 'error_code'],
  timed_out: ['interface', 'step', 'branch'],
  slow: ['interface', 'longer_than'],
  duration: ['interface'],
  queue: ['interface', 'step'],
  dead_letter: ['input', 'stage'],
} as const;
export type CountKind = keyof typeof LABELS_OF;

/** Values in the order of the kind's labels. */
export type LabelValues = readonly string[];
export type Labels = Readonly<Record<string, string>>;

export interface Count {
  kind: CountKind;
  labels: Labels;
  /** Of a histogram; 0 for everything else. */
  bin: number;
  n: number;
  /** What an operator wants to see of it; of failures, time-outs, slow ones and dead letters. */
  detail?: Detail;
  /** Times are ms since 1970 by Redis' clock. */
  last_at?: number;
}

export interface Detail {
  /** Words of the error. */
  message: string;
  /** The system that the message was for, if it is known. */
  target: string;
  /** Ids of the first transactions (or dead letters); at most SAMPLES_MAX. */
  samples: string[];
  first_at: number;
}

/** Transactions of an earlier bucket whose failure, or time-out, a later log has cleared. */
export interface Cleared {
  kind: 'failed' | 'timed_out';
  labels: Labels;
  /** Start of the bucket in which the failure was counted. */
  bucket: number;
  n: number;
}

export interface Bucket {
  /** Its start, ms since 1970. */
  at: number;
  /** Of every partition; the same kind and labels may come several times. */
  counts: readonly Count[];
  cleared: readonly Cleared[];
}

export const SAMPLES_MAX = 3;
/** Stands for whatever is over the bound of how much a bucket tells apart. */
export const OTHERS = '(others)';

export function labelsFrom(kind: CountKind, values: LabelValues): Labels {
  // What is over a bucket's bound has one value that stands for all.
  const rest = values.length === 1 && values[0] === OTHERS ? OTHERS : '';
  return Object.fromEntries(LABELS_OF[kind].map((label, at) => [label, values[at] ?? rest]));
}
