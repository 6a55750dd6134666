import * as v from 'valibot';
import { alertsSchema } from '../config.ts';
import type { AlertsConfig } from '../config.ts';
import type { Bucket, Cleared, Count, CountKind } from '../count.ts';
import { binOf } from '../histogram.ts';

/** Buckets of ten seconds for tests of rules, by their place. */

export const RESOLUTION = 10_000;
/** A Friday. */
export const START = Date.parse('2026-01-30T00:00:00Z');
/** The end of a bucket: the time at which it is evaluated. */
export const endOf = (place: number) => START + (place + 1) * RESOLUTION;

export function alertsConfig(section: object): AlertsConfig {
  return v.parse(alertsSchema, section);
}

export function count(
  kind: CountKind,
  labels: Record<string, string>,
  n = 1,
  more: Partial<Count> = {},
): Count {
  return { kind, labels, bin: 0, n, ...more };
}

/** Failures of an interface at its hub, with samples. */
export function failures(n: number, labels: Record<string, string> = {}, at?: number): Count {
  return count('failed', { interface: 'order', step: 'hub', branch: '', error_code: 'E1', ...labels }, n, {
    detail: {
      message: 'no route',
      target: 'WMS',
      samples: ['T1', 'T2', 'T3'].slice(0, n),
      first_at: at ?? START,
    },
    ...(at === undefined ? {} : { last_at: at }),
  });
}

export const durations = (n: number, ms: number): Count =>
  count('duration', { interface: 'order' }, n, { bin: binOf(ms) });

export function bucket(place: number, counts: Count[] = [], cleared: Cleared[] = []): Bucket {
  return { at: START + place * RESOLUTION, counts, cleared };
}
