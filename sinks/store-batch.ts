import { bookingsOfBatch } from './batch-bookings.ts';
import type { DeadLetter } from '../common/dead-letter.ts';
import { RetriableError } from '../common/errors.ts';
import type { Position } from '../common/redis/loss.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import { undecodableLetter } from '../common/undecodable.ts';
import { sizeOf } from './fill-batch.ts';
import type { Manifest } from './manifest.ts';
import { toDeadLetters } from './refused.ts';
import type { Lane, RefusedRow, SinkBatch } from './sink.ts';
import type { Carried } from './sink-worker.ts';
import { untilTaken } from './until-taken.ts';
import type { Writer } from './until-taken.ts';

export interface BegunBatch {
  manifest: Manifest;
  /** What is left of its entries. */
  entries: readonly StreamEntry[];
  /** Whether somebody may have written it before. */
  repeated: boolean;
}

/**
 * Writes a batch, as often as it takes, and commits it. Returns where the group stands then; unchanged if the claim ended before the
 * store took it: then whoever is next finds its manifest.
 *
 * @param begin what the batch is, with its bounds written down: called when it is its turn for the first time.
 */
export async function storeBatch(
  carried: Carried,
  position: Position,
  begin: () => Promise<BegunBatch>,
): Promise<Position> {
  let begun: BegunBatch | undefined;
  const written = await untilTaken(writerOf(carried), async () => {
    begun ??= await begin();
    const batch = toSinkBatch(carried, begun);
    begun = { ...begun, repeated: true };
    return { begun, refused: await write(carried, batch) };
  });
  if (written === undefined) return position;
  return commitBatch(carried, position, written.begun, written.refused);
}

/** One stream that writes a batch of its own. */
export function writerOf(carried: Carried): Writer {
  const { deps, signal, stream, labels } = carried;
  const { slots, pace, clock, logger, onIdle, onProgress, onTrouble } = deps;
  return {
    slots,
    pace,
    clock,
    logger,
    signal,
    streams: () => stream,
    onIdle,
    onProgress,
    onRetry: () => deps.metrics.retries.inc(labels),
    onTrouble,
  };
}

/** Commits what the store has taken, all but the rows that it refused, and returns where the group stands then. */
export async function commitBatch(
  carried: Carried,
  position: Position,
  begun: BegunBatch,
  refused: readonly RefusedRow[],
): Promise<Position> {
  const { deps, kind, labels, ledger } = carried;
  const { manifest, entries } = begun;
  const batch = toSinkBatch(carried, begun);
  const { entriesRead } = carried.watch.advance(position, entries);
  const after: Position = {
    lastId: manifest.last_id,
    // Those that are gone by now were counted as lost when the batch was found.
    entriesRead: entriesRead === null ? null : entriesRead + manifest.entries - entries.length,
  };
  const now = deps.clock.now();
  const letters = toDeadLetters(deps.name, batch, refused, now);
  const undecodable = undecodableLetters(carried, entries, now);
  // Those of the dead-letter stream itself have nowhere to go: appended there, they would come again and again.
  const kept = kind === 'dead_letter' ? letters : [...letters, ...undecodable];
  await ledger.commit(after, kept, bookingsOfBatch(deps.name, batch, entries, refused));
  deps.sink.settled?.(carried.lane);
  tellUndecodable(carried, undecodable);
  deps.metrics.rows.inc(labels, batch.rows - refused.length);
  deps.metrics.refused.inc(labels, refused.length);
  if (refused.length > 0) {
    deps.logger.warn(
      { stream: kind, batch: batch.token, rows: refused.length, reason: refused[0]?.reason },
      'the store refuses rows; they are dead letters',
    );
  }
  return after;
}

function undecodableLetters(
  { deps, stream }: Carried,
  entries: readonly StreamEntry[],
  now: number,
): DeadLetter[] {
  return entries.flatMap((entry) =>
    entry.broken === undefined
      ? []
      : [undecodableLetter(stream, entry, entry.broken, `sink ${deps.name}`, now)],
  );
}

function tellUndecodable({ deps, kind, labels }: Carried, letters: readonly DeadLetter[]): void {
  if (letters.length === 0) return;
  deps.metrics.undecodable.inc(labels, letters.length);
  const told = { entries: letters.length, first: letters[0]?.event_id, reason: letters[0]?.reason };
  if (kind === 'dead_letter') {
    deps.logger.error(told, 'entries of a dead-letter stream are none of ours; they are left out');
  } else {
    deps.logger.warn(told, 'stream entries are none of ours; they are dead letters');
  }
}

function toSinkBatch({ lane }: Carried, { manifest, entries, repeated }: BegunBatch): SinkBatch {
  return sinkBatchOf(lane, manifest.token, entries, repeated);
}

/** Entries as a store gets them: without what is none of ours. */
export function sinkBatchOf(
  lane: Lane,
  token: string,
  entries: readonly StreamEntry[],
  repeated: boolean,
): SinkBatch {
  const ours = entries.filter(({ broken }) => broken === undefined);
  return { ...lane, token, repeated, entries: ours, chunks: ours.map(({ body }) => body), ...sizeOf(ours) };
}

async function write({ deps, labels }: Carried, batch: SinkBatch): Promise<readonly RefusedRow[]> {
  // All of its entries are gone from the stream, or none of ours.
  if (batch.chunks.length === 0) return [];
  const started = deps.clock.now();
  const { refused } = await deps.sink.write(batch, deps.force);
  const tookMs = deps.clock.now() - started;
  deps.metrics.writeSeconds.observe(labels, tookMs / 1000);
  deps.pace.onStored(tookMs);
  if (batch.stream === 'dead_letter' && refused.length > 0) {
    // There is nowhere else to keep them: they wait until somebody has looked.
    throw new RetriableError(`${deps.name} refuses dead letters: ${refused[0]?.reason ?? ''}`);
  }
  return refused;
}
