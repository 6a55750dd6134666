import type { DeadLetter } from '../common/dead-letter.ts';
import { partitionOf } from '../common/partition.ts';
import { logToLine } from '../common/log-row.ts';
import type { CountedAs, EntryRow } from '../common/stream-entry.ts';
import type { TrackingLog } from '../common/tracking-log.ts';
import type { Outcome, StandardRow } from './outcome.ts';
import type { RowBytes } from './row-room.ts';

/** A row as it travels: a text, or bytes already. */
export interface Row extends EntryRow<string | RowBytes> {
  kind: 'log' | 'dead_letter';
}

/** An outcome that is appended. */
export type Kept = Exclude<Outcome, { kind: 'skip' }>;

export function partitionOfOutcome(outcome: Kept, partitions: number): number {
  if (outcome.kind === 'row') return outcome.row.crc % partitions;
  // A dead letter has no transaction; its own id spreads it as well.
  const key = outcome.kind === 'log' ? outcome.log.transaction_id : outcome.dead_letter.event_id;
  return partitionOf(key, partitions);
}

export function rowOf(outcome: Kept): Row {
  if (outcome.kind === 'row') return standardRow(outcome.row);
  return outcome.kind === 'log' ? logRow(outcome.log) : deadLetterRow(outcome.dead_letter);
}

function logRow(log: TrackingLog): Row {
  return {
    kind: 'log',
    line: logToLine(log),
    counted: { day: dayOf(log), input: log.input ?? '', interface_id: log.interface_id ?? '' },
  };
}

function standardRow(row: StandardRow): Row {
  return { kind: 'log', line: row, counted: countedAs(row) };
}

/** One object for many rows: those of a source are mostly of few interfaces. */
function countedAs(row: StandardRow): CountedAs {
  const day = dayOf(row);
  const known = counted.get(row.interface_id);
  if (known?.day === day && known.input === row.input) return known;
  if (counted.size === COUNTED_MAX) counted.clear();
  const one = { day, input: row.input, interface_id: row.interface_id };
  counted.set(row.interface_id, one);
  return one;
}

const counted = new Map<string, CountedAs>();
const COUNTED_MAX = 256;

function deadLetterRow(letter: DeadLetter): Row {
  const counted = { day: dayOf(letter), input: letter.input, interface_id: '' };
  return { kind: 'dead_letter', line: JSON.stringify(letter), counted };
}

/** Of a canonical time: its UTC day. */
function dayOf({ ingest_time }: { ingest_time: string }): string {
  // Of one time after the other it is the same.
  if (ingest_time !== last.time) {
    const day = ingest_time.slice(0, 10);
    if (day !== last.day) last.day = day;
    last.time = ingest_time;
  }
  return last.day;
}

const last = { time: '', day: '' };
