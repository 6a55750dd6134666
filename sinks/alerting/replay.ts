import { decodeBucket } from './bucket-code.ts';
import type { Flow } from '../../common/flow.ts';
import type { Summary } from '../../common/summary.ts';
import type { DeadLetter } from '../../common/dead-letter.ts';
import type { AlertsConfig } from './config.ts';
import type { Bucket } from './count.ts';
import { countDeadLetter, countSummary } from './count-batch.ts';
import type { CountingSettings, Place } from './count-batch.ts';
import { createEngine } from './engine.ts';
import type { AlertMessage } from './message.ts';
import { createTally } from './tally.ts';

/**
 * Rules over what a store holds, as if it came again: the same counts, buckets and engine, on stored times. A store keeps the newest revision of a transaction, so
 * what it was before is taken from what that says: when it was collected, its first failure (also one that was cleared since), whether it was late, and
 * when it became what it is.
 */
export interface Replay {
  addSummary(summary: Summary): void;
  addDeadLetter(letter: Pick<DeadLetter, 'input' | 'stage' | 'reason' | 'event_id' | 'ingest_time'>): void;
  /** Evaluates everything from one time to another, ms since 1970. */
  run(from: number, until: number): ReplayedAlert[];
}

export interface ReplayedAlert {
  /** Its first message. */
  fired: AlertMessage;
  /** Its last one; undefined while it fires at the end. */
  resolved?: AlertMessage;
}

export function createReplay(config: AlertsConfig, settings: CountingSettings): Replay {
  const { bucketMs } = settings;
  const tally = createTally();
  const cleared = new Map<number, Map<string, number>>();
  const bucketOf = (millis: number) => Math.floor(millis / bucketMs) * bucketMs;

  /** What a transaction was counted as before does not count any more from now on. */
  function settle(): void {
    let counted: string | undefined;
    for (const { bucket, failed } of tally.changes.splice(0)) {
      if (failed !== undefined) counted = `x${bucket}:${failed}`;
      else if (counted !== undefined) {
        const there = cleared.get(bucket) ?? new Map<string, number>();
        cleared.set(bucket, there.set(counted, (there.get(counted) ?? 0) + 1));
        counted = undefined;
      }
    }
  }

  function bucketAt(at: number): Bucket {
    const { counts, details, lasts } = tally.buckets.get(at) ?? {};
    return decodeBucket(at, [
      [
        ...[...(counts ?? []), ...(cleared.get(at) ?? [])].flatMap(([field, n]) => [field, String(n)]),
        ...[...(details ?? [])].flatMap(([field, detail]) => [`!${field}`, JSON.stringify(detail)]),
        ...[...(lasts ?? [])].flatMap(([field, last]) => [`@${field}`, String(last)]),
      ],
    ]);
  }

  return {
    addSummary: (summary) => {
      let was: Place['was'] = '';
      for (const { at, ...revision } of revisionsOf(summary, settings.findFlow)) {
        countSummary(tally, { was, at, bucketOf, settings }, revision);
        was = revision.status;
      }
      settle();
    },
    addDeadLetter: (letter) => {
      const at = Date.parse(letter.ingest_time);
      countDeadLetter(tally, bucketOf(at), at, { ...letter });
    },
    run: (from, until) => {
      const engine = createEngine(config);
      const found = new Map<string, ReplayedAlert>();
      for (let at = bucketOf(from); at + bucketMs <= until; at += bucketMs) {
        for (const message of engine.step(bucketAt(at), [])) {
          const known = found.get(message.alert_id);
          if (known === undefined) found.set(message.alert_id, { fired: message });
          else if (message.kind === 'resolved') found.set(message.alert_id, { ...known, resolved: message });
        }
      }
      return [...found.values()];
    },
  };
}

/** What a transaction went through, as far as its newest revision tells. */
function revisionsOf(
  summary: Summary,
  findFlow: (interfaceId: string | undefined) => Flow,
): (Summary & { at: number })[] {
  const created = Date.parse(summary.created_at);
  const updated = Date.parse(summary.updated_at);
  const within = (at: number) => Math.min(Math.max(at, created), updated);
  const begun = { ...summary, status: 'in_progress' as const, at: created };
  const { deadline } = findFlow(summary.interface_id === '' ? undefined : summary.interface_id);
  const late =
    summary.late && summary.status !== 'timed_out' && deadline !== undefined
      ? [{ ...summary, status: 'timed_out' as const, at: within(created + deadline) }]
      : [];
  const failed =
    summary.error_at !== null && summary.status !== 'failed'
      ? [{ ...summary, status: 'failed' as const, at: within(Date.parse(summary.error_at)) }]
      : [];
  const between = [...late, ...failed].sort((a, b) => a.at - b.at);
  return [begun, ...between, { ...summary, at: updated }];
}
