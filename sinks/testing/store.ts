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
  const rows = () => [...stored.values()].reduce((sum, batch) => sum + batch.rows, 0);
  return { sink, stored, tried, rows };
}
