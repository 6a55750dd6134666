import { createStreamReader } from '../../common/redis/stream-reader.ts';
import { leanOf, READ_BYTES } from '../fill-batch.ts';
import type { Carried } from '../sink-worker.ts';
import { sinkBatchOf, writerOf } from '../store-batch.ts';
import { untilTaken } from '../until-taken.ts';
import { writeOnce } from './write.ts';
import type { JointDeps } from './write.ts';

/** Joint batches that former owners had begun: each may or may not be stored, and the store knows by its token. */
export interface Repeats {
  /**
   * Whether the store has the joint batch now, or its batches go apart; it was repeated if need be, once for all streams of it that this process
   * has. `ended`: the claim ended before that was known.
   */
  repeat(id: string, carried: Carried): Promise<Repeated>;
}

export type Repeated = 'stored' | 'apart' | 'ended';

/** Partitions of a process that died are taken over one after the other; what is known by then need not be asked again. */
const KNOWN_MAX = 256;

export function createRepeats(deps: JointDeps): Repeats {
  const known = new Map<string, Promise<Repeated>>();

  async function begin(id: string, carried: Carried): Promise<Repeated> {
    const repeating = repeatOnce(deps, id, carried);
    known.set(id, repeating);
    const [oldest] = known.keys();
    if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest);
    let repeated: Repeated = 'ended';
    try {
      return (repeated = await repeating);
    } finally {
      if (repeated === 'ended') known.delete(id);
    }
  }

  return {
    repeat: async (id, carried) => {
      for (let other = known.get(id); other !== undefined; other = known.get(id)) {
        // Others of the same joint batch are at work meanwhile; waiting for them is no stall of ours.
        carried.deps.onIdle();
        const repeated = await orEnded(other, carried.signal);
        carried.deps.onProgress();
        if (repeated !== 'ended' || carried.signal.aborted) return repeated;
      }
      return begin(id, carried);
    },
  };
}

async function repeatOnce(deps: JointDeps, id: string, carried: Carried): Promise<Repeated> {
  const { kind, lane, labels } = carried;
  const { redis, keys, logger, metrics } = carried.deps;
  const repeated = await untilTaken(writerOf(carried), async () => {
    const parts = await deps.records.partsOf(id);
    if (parts === undefined) return 'apart';
    logger.info({ batch: id, partitions: parts.length }, 'repeating the joint batch that was begun');
    const entries = [];
    // What is gone of others is committed, and so the store has it all; it knows by the token.
    for (const { partition, first_id, last_id } of parts) {
      const reader = createStreamReader(redis, keys.stream(partition, kind), kind, READ_BYTES);
      entries.push(...(await reader.range(first_id, last_id)).map(leanOf));
    }
    return writeOnce(deps, sinkBatchOf(lane, id, entries, true), (seconds) =>
      metrics.writeSeconds.observe(labels, seconds),
    );
  });
  return repeated ?? 'ended';
}

/** What somebody else's work comes to; `ended` if it comes to nothing, or once the signal aborts. */
async function orEnded(work: Promise<Repeated>, signal: AbortSignal): Promise<Repeated> {
  return new Promise((resolve) => {
    const end = () => resolve('ended');
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    void work.then(resolve, end).finally(() => signal.removeEventListener('abort', end));
  });
}
