import type { TransactionStatus } from '../../common/evaluate.ts';
import type { Flow } from '../../common/flow.ts';
import { millisOfId } from '../../common/redis/stream-id.ts';
import { statusBefore } from '../../common/stream-entry.ts';
import type { StreamEntry } from '../../common/stream-entry.ts';
import type { Summary, SummaryStep } from '../../common/summary.ts';
import { summaryFromRow } from '../../common/summary-row.ts';
import { rowFromLine } from '../../common/wire-row.ts';
import type { RefusedRow, SinkBatch } from '../sink.ts';
import { binOf } from './histogram.ts';
import { addTo, createTally } from './tally.ts';
import type { Tally } from './tally.ts';
import { waitsFor } from './waits-for.ts';
import { createMatcher } from './where.ts';
import type { Matches } from './where.ts';

/** What a batch of a stream comes to in counts: pure. Time is that of the entries' ids: Redis' clock when a summary was published. */

export interface CountingSettings {
  bucketMs: number;
  findFlow: (interfaceId: string | undefined) => Flow;
  /** What rules call slow: each bound in ms once, and of which interfaces. */
  slow: readonly { longerThan: number; matches: Matches }[];
}

/** @param rules of the config that say what is slow. */
export function slowBounds(
  rules: readonly { type: string; longer_than?: number; where: object }[],
): CountingSettings['slow'] {
  const bounds = new Map<number, Matches[]>();
  for (const { type, longer_than, where } of rules) {
    if (type !== 'slow' || longer_than === undefined) continue;
    bounds.set(longer_than, [...(bounds.get(longer_than) ?? []), createMatcher({ ...where })]);
  }
  return [...bounds].map(([longerThan, all]) => ({
    longerThan,
    matches: (labels) => all.some((matches) => matches(labels)),
  }));
}

/** @param closed the time before which nothing is counted any more: what belongs there is counted in the first whole bucket after it. */
export function countBatch(
  { stream, entries }: Pick<SinkBatch, 'stream' | 'entries'>,
  closed: number,
  settings: CountingSettings,
): { tally: Tally; refused: RefusedRow[] } {
  const tally = createTally();
  const refused: RefusedRow[] = [];
  const { bucketMs } = settings;
  // By buckets of another length, perhaps, and evaluators read whole ones of this length only.
  const firstOpen = Math.ceil(closed / bucketMs) * bucketMs;
  const bucketOf = (millis: number) => Math.max(Math.floor(millis / bucketMs) * bucketMs, firstOpen);
  let index = 0;
  for (const entry of entries) {
    const at = millisOfId(entry.id);
    linesOf(entry).forEach((line, row) => {
      const parsed = rowFromLine(stream, line);
      if (stream === 'dead_letter') countDeadLetter(tally, bucketOf(at), at, parsed.row ?? {});
      else if (parsed.row === undefined) refused.push({ index, reason: parsed.reason });
      else {
        const was = statusBefore(entry, row);
        // Of what was published before summaries said so, nobody knows what has changed.
        if (was !== undefined)
          countSummary(tally, { was, at, bucketOf, settings }, summaryFromRow(parsed.row));
      }
      index += 1;
    });
  }
  return { tally, refused };
}

function linesOf({ body }: StreamEntry): string[] {
  const text = body.toString();
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

export function countDeadLetter(
  tally: Tally,
  bucket: number,
  at: number,
  row: Record<string, unknown>,
): void {
  const text = (field: string) => (typeof row[field] === 'string' ? row[field] : '');
  addTo(tally, bucket, 'dead_letter', [text('input'), text('stage')], {
    told: { message: text('reason'), target: '', sample: text('event_id'), at },
  });
}

/** A revision's place in what became of its transaction. */
export interface Place {
  /** Its status in the revision before; '' if there is none. */
  was: TransactionStatus | '';
  /** When it was published, ms since 1970. */
  at: number;
  bucketOf: (millis: number) => number;
  settings: CountingSettings;
}

/** Counts what is new in a revision of a summary. */
export function countSummary(tally: Tally, { was, at, bucketOf, settings }: Place, summary: Summary): void {
  const { status, interface_id: id, transaction_id } = summary;
  const bucket = bucketOf(at);
  if (was === '') addTo(tally, bucketOf(Math.min(Date.parse(summary.created_at), at)), 'came', [id]);
  if (status === was) return;
  if (was === 'failed' || was === 'timed_out') tally.changes.push({ id: transaction_id, bucket });
  if (status === 'in_progress') return;
  if (was === '' || was === 'in_progress') countQueues(tally, bucket, id, summary.steps);
  const told = { target: summary.target_system, sample: transaction_id, at };
  if (status === 'failed') {
    const { step, branch, error_code, error_message: message } = failureOf(summary);
    const field = addTo(tally, bucket, 'failed', [id, step, branch, error_code], {
      told: { ...told, message },
    });
    tally.changes.push({ id: transaction_id, bucket, failed: field });
  } else if (status === 'timed_out') {
    const { step, branch } = waitsFor(summary, settings.findFlow(id === '' ? undefined : id));
    const field = addTo(tally, bucket, 'timed_out', [id, step, branch], { told: { ...told, message: '' } });
    tally.changes.push({ id: transaction_id, bucket, failed: field });
  } else {
    addTo(tally, bucket, 'completed', [id]);
    if (summary.duration_ms === null) return;
    addTo(tally, bucket, 'duration', [id], { bin: binOf(summary.duration_ms) });
    for (const { longerThan, matches } of settings.slow) {
      if (summary.duration_ms > longerThan && matches({ interface: id }))
        addTo(tally, bucket, 'slow', [id, String(longerThan)], { told: { ...told, message: '' } });
    }
  }
}

function countQueues(tally: Tally, bucket: number, id: string, steps: readonly SummaryStep[]): void {
  for (const { step, queue_ms } of steps) {
    if (queue_ms !== null) addTo(tally, bucket, 'queue', [id, step], { bin: binOf(queue_ms) });
  }
}

/** The step that failed last, of those that stand failed. */
function failureOf(summary: Summary) {
  let last: SummaryStep | undefined;
  for (const step of summary.steps) {
    if (step.status === 'failed' && (last?.ended_at ?? '') <= (step.ended_at ?? '')) last = step;
  }
  if (last !== undefined) return last;
  const { error_step: step, error_branch: branch, error_code, error_message } = summary;
  return { step, branch, error_code, error_message };
}
