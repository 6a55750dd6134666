import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { Pace } from '../pace.ts';
import type { Sink, SinkBatch } from '../sink.ts';
import type { Slots } from '../slots.ts';
import type { JointRecords } from './record.ts';

/** What joint batches of a sink are written with. */
export interface JointDeps {
  writeJoint: NonNullable<Sink['writeJoint']>;
  records: JointRecords;
  pace: Pace;
  slots: Slots;
  clock: Clock;
  logger: Logger;
  force: AbortSignal;
}

/**
 * One attempt. What the store refuses for a row goes apart from then on: by itself, each batch finds its own rows that are refused.
 *
 * @param onTaken called with the seconds that the store took for it.
 */
export async function writeOnce(
  { writeJoint, records, pace, clock, force }: JointDeps,
  batch: SinkBatch,
  onTaken: (seconds: number) => void,
): Promise<'stored' | 'apart'> {
  // All of its entries are gone from their streams, or none of ours.
  if (batch.chunks.length === 0) return 'stored';
  const started = clock.now();
  if (!(await writeJoint(batch, force))) {
    await records.refuse(batch.token);
    return 'apart';
  }
  const tookMs = clock.now() - started;
  onTaken(tookMs / 1000);
  pace.onStored(tookMs);
  return 'stored';
}
