import { bookingsOfBatch } from './batch-bookings.ts';
import type { DeadLetter } from '../common/dead-letter.ts';
import { describeError, RetriableError } from '../common/errors.ts';
import type { Position } from '../common/redis/loss.ts';
import { retry } from '../common/retry.ts';
import type { RetryPolicy } from '../common/retry.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import { undecodableLetter } from '../common/undecodable.ts';
import { sizeOf } from './fill-batch.ts';
import type { Manifest } from './manifest.ts';
import { toDeadLetters } from './refused.ts';
import { PressureError } from './pressure.ts';
import type { RefusedRow, SinkBatch } from './sink.ts';
import type { Carried } from './sink-worker.ts';

const WRITE_RETRY: RetryPolicy = { delayMsMin: 200, delayMsMax: 10_000 };

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
 * Each attempt waits for a turn of its own, so that a batch which a store does not take holds up its own stream and no other.
 *
 * @param begin what the batch is, with its bounds written down: called when it is its turn for the first time.
 */
export async function storeBatch(
  carried: Carried,
  position: Position,
  begin: () => Promise<BegunBatch>,
): Promise<Position> {
  const { deps, kind, labels, ledger } = carried;
  let begun: BegunBatch | undefined;
  const written = await untilTaken(carried, async () => {
    begun ??= await begin();
    const batch = toSinkBatch(carried, begun);
    begun = { ...begun, repeated: true };
    return { begun, batch, refused: await write(carried, batch) };
  });
  if (written === undefined) return position;
  const { batch, refused } = written;
  const { manifest, entries } = written.begun;
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
  const ours = entries.filter(({ broken }) => broken === undefined);
  return {
    ...lane,
    token: manifest.token,
    repeated,
    entries: ours,
    chunks: ours.map((entry) => entry.body),
    ...sizeOf(ours),
  };
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

/** Attempts with growing pauses, each in its turn, until one succeeds. Undefined if the claim ended before. */
async function untilTaken<T>({ deps, signal, labels, stream }: Carried, attempt: () => Promise<T>) {
  let troubled = false;
  const inTurn = async (): Promise<T> => {
    // Others of the same store are at work meanwhile; waiting for them is no stall of ours.
    deps.onIdle();
    const done = await deps.slots.run(async () => {
      deps.onProgress();
      return { result: await attempt() };
    }, signal);
    deps.onProgress();
    if (done === undefined) throw new RetriableError('the claim ended');
    return done.result;
  };
  try {
    return await retry(inTurn, {
      policy: WRITE_RETRY,
      clock: deps.clock,
      signal,
      onRetry: (error, attempts) => {
        troubled = true;
        deps.metrics.retries.inc(labels);
        if (error instanceof PressureError) deps.pace.onPressure(error.pressure);
        deps.onTrouble(describeError(error));
        deps.logger.warn({ stream, attempts, error: describeError(error) }, 'a batch is not stored yet');
      },
    });
  } catch (error) {
    if (signal.aborted && error instanceof RetriableError) return undefined;
    throw error;
  } finally {
    // Only what was ours: others of the sink may be in trouble of their own.
    if (troubled) deps.onTrouble(undefined);
  }
}
