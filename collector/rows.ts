import type { DeadLetter } from '../common/dead-letter.ts';
import { partitionOf } from '../common/partition.ts';
import { logToLine } from '../common/log-row.ts';
import type { EntryRow } from '../common/stream-entry.ts';
import type { TrackingLog } from '../common/tracking-log.ts';
import type { Outcome, StandardRow } from './outcome.ts';

/** A row as it travels. */
export interface Row extends EntryRow {
  kind: 'log' | 'dead_letter';
}

/** An outcome that is appended. */
export type Kept = Exclude<Outcome, { kind: 'skip' }>;

export function partitionOfOutcome(outcome: Kept, partitions: number): number {
  return partitionOf(partitionKeyOf(outcome), partitions);
}

/** What decides about the partition. A dead letter has no transaction; its own id spreads it as well. */
export function partitionKeyOf(outcome: Kept): string {
  if (outcome.kind === 'row') return outcome.row.transaction_id;
  return outcome.kind === 'log' ? outcome.log.transaction_id : outcome.dead_letter.event_id;
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
  const { line, input, interface_id } = row;
  return { kind: 'log', line, counted: { day: dayOf(row), input, interface_id } };
}

function deadLetterRow(letter: DeadLetter): Row {
  const counted = { day: dayOf(letter), input: letter.input, interface_id: '' };
  return { kind: 'dead_letter', line: JSON.stringify(letter), counted };
}

/** Of a canonical time: its UTC day. */
function dayOf({ ingest_time }: { ingest_time: string }): string {
  return ingest_time.slice(0, 10);
}
