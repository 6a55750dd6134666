import { systemClock } from '../../common/clock.ts';
import type { DeadLetter } from '../../common/dead-letter.ts';
import { LOG_COLUMNS } from '../../common/log-row.ts';
import type { StreamKind } from '../../common/redis/keys.ts';
import type { StreamEntry } from '../../common/stream-entry.ts';
import type { Summary } from '../../common/summary.ts';
import { STEP_COLUMNS, SUMMARY_COLUMNS } from '../../common/summary-row.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import { checkTrackingLog } from '../../common/tracking-log.ts';
import type { TrackingLog } from '../../common/tracking-log.ts';
import type { SinkBatch } from '../sink.ts';

/** Rows of each kind for tests of sinks, told apart by a number. */

/** When things happened at the nodes. */
export const TIME = '2026-01-31T09:15:00.000000Z';
/** When they were collected or changed: now, since what is older than its retention is dropped as soon as it is stored. */
export const NOW = timestampFromMillis(systemClock.now());

export function aLog(i: number, more: Partial<TrackingLog> = {}): TrackingLog {
  const said = {
    transaction_id: `T${i}`,
    step: 'send',
    status: 'succeeded',
    event_time: TIME,
    record_count: i,
  };
  const stamp = { event_id: `e${i}`, ingest_time: NOW, channel: 'http', input: 'api' };
  const { log, issues } = checkTrackingLog({ ...said, ...more }, stamp);
  if (log === undefined) throw new Error(JSON.stringify(issues));
  return log;
}

export function aSummary(i: number, more: Partial<Summary> = {}): Summary {
  return {
    transaction_id: `T${i}`,
    interface_id: 'order',
    parent_transaction_id: '',
    source_system: 'shop',
    target_system: 'wms',
    status: 'in_progress',
    started_at: TIME,
    ended_at: null,
    last_event_at: TIME,
    duration_ms: null,
    steps_expected: 3,
    steps_finished: 1,
    steps: [
      {
        step: 'send',
        branch: '',
        attempt: 1,
        status: 'succeeded',
        started_at: TIME,
        ended_at: TIME,
        duration_ms: 12.5,
        queue_ms: null,
        node: 'eai-1',
        error_code: '',
        error_message: '',
        expected: true,
      },
    ],
    last_step: 'send',
    error_step: '',
    error_branch: '',
    error_code: '',
    error_message: '',
    error_at: null,
    business_keys: { order_no: `SO-${i}` },
    late: false,
    cut: false,
    deadline_at: null,
    version: 1,
    created_at: NOW,
    updated_at: NOW,
    ...more,
  };
}

export function aDeadLetter(i: number, more: Partial<DeadLetter> = {}): DeadLetter {
  return {
    event_id: `d${i}`,
    stage: 'decode',
    input: 'api',
    channel: 'http',
    reason: 'is not JSON',
    ingest_time: NOW,
    raw_base64: Buffer.from(`raw ${i} 가`).toString('base64'),
    meta: { path: '/var/log/a.log' },
    ...more,
  };
}

/** A row as it travels, whatever is in it; a line stays as it is. What it has beyond its columns stands behind them, as a newer release writes it. */
export function lineOf(stream: StreamKind, row: object | string): string {
  if (typeof row === 'string') return row;
  if (stream === 'dead_letter') return JSON.stringify(row);
  if (stream === 'log') return JSON.stringify(valuesOf(row, LOG_COLUMNS));
  const { steps } = row as { steps?: unknown };
  const rows = Array.isArray(steps) ? steps.map(stepOf) : steps;
  return JSON.stringify(valuesOf({ ...row, steps: rows }, SUMMARY_COLUMNS));
}

function stepOf(step: unknown): unknown {
  return typeof step === 'object' && step !== null ? valuesOf(step, STEP_COLUMNS) : step;
}

function valuesOf(row: object, columns: readonly string[]): unknown[] {
  const values = new Map<string, unknown>(Object.entries(row));
  const more = Object.entries(row).filter(([field]) => !columns.includes(field));
  return [...columns.map((field) => values.get(field) ?? null), ...more.map(([, value]) => value as unknown)];
}

/** Rows, or lines as they are, as a batch. */
export function batchOf(
  stream: StreamKind,
  token: string,
  rows: readonly (object | string)[],
  linesPerChunk = 100,
): SinkBatch {
  const lines = rows.map((row) => `${lineOf(stream, row)}\n`);
  const entries: StreamEntry[] = [];
  for (let at = 0; at < lines.length; at += linesPerChunk) {
    const part = lines.slice(at, at + linesPerChunk);
    entries.push({ id: `${at + 1}-0`, rows: part.length, body: Buffer.from(part.join('')), fields: [] });
  }
  const chunks = entries.map(({ body }) => body);
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return {
    stream,
    partition: 0,
    fence: 1,
    token,
    repeated: false,
    entries,
    chunks,
    rows: rows.length,
    bytes,
  };
}
