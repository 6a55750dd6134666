import type { RefusedRow, Sink, SinkBatch } from '../sink.ts';

export type Write = (batch: SinkBatch) => Promise<readonly RefusedRow[]> | readonly RefusedRow[];

/** A store that keeps batches by their token, after asking `write` what to do. */
export function aStore(write: Write = () => []) {
  const stored = new Map<string, SinkBatch>();
  const tried: SinkBatch[] = [];
  const sink: Sink = {
    streams: ['log', 'dead_letter'],
    open: () => Promise.resolve(),
    write: async (batch) => {
      tried.push(batch);
      const refused = await write(batch);
      stored.set(batch.token, batch);
      return { refused };
    },
    close: () => Promise.resolve(),
  };
  /** Of joint batches as well, which it refuses as a whole. */
  const jointSink: Sink = {
    ...sink,
    writeJoint: async (batch) => {
      tried.push(batch);
      if ((await write(batch)).length > 0) return false;
      stored.set(batch.token, batch);
      return true;
    },
  };
  const rows = () => [...stored.values()].reduce((sum, batch) => sum + batch.rows, 0);
  return { sink, jointSink, stored, tried, rows };
}
