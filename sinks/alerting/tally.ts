import { SAMPLES_MAX } from './count.ts';
import type { CountKind, Detail, LabelValues } from './count.ts';
import { fieldOf } from './bucket-code.ts';

/** What a batch changes: numbers to add by bucket and field, and transactions that failed or were cleared, in their order. */
export interface Tally {
  buckets: Map<number, TallyBucket>;
  changes: TransactionChange[];
}

export interface TallyBucket {
  counts: Map<string, number>;
  details: Map<string, Detail>;
  lasts: Map<string, number>;
}

/** A transaction that took a bad status, or left one. */
export type TransactionChange =
  | { id: string; bucket: number; failed: string }
  /** It is looked up what it was counted as. */
  | { id: string; bucket: number; failed?: undefined };

export interface Told {
  message: string;
  target: string;
  /** Of the transaction or dead letter. */
  sample: string;
  at: number;
}

export function createTally(): Tally {
  return { buckets: new Map(), changes: [] };
}

/** @returns the field that it was counted as. */
export function addTo(
  tally: Tally,
  bucket: number,
  kind: CountKind,
  labels: LabelValues,
  { bin, told }: { bin?: number; told?: Told } = {},
): string {
  const there = tally.buckets.get(bucket) ?? { counts: new Map(), details: new Map(), lasts: new Map() };
  tally.buckets.set(bucket, there);
  const field = fieldOf(kind, labels, bin);
  there.counts.set(field, (there.counts.get(field) ?? 0) + 1);
  if (told === undefined) return field;
  there.lasts.set(field, Math.max(there.lasts.get(field) ?? 0, told.at));
  const detail = there.details.get(field);
  if (detail === undefined) there.details.set(field, detailOf(told));
  else if (detail.samples.length < SAMPLES_MAX) detail.samples.push(told.sample);
  return field;
}

const MESSAGE_LENGTH_MAX = 500;

function detailOf({ message, target, sample, at }: Told): Detail {
  return { message: message.slice(0, MESSAGE_LENGTH_MAX), target, samples: [sample], first_at: at };
}
