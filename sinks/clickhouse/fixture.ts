import * as v from 'valibot';
import { systemClock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { startClickHouse } from '../../common/testing/clickhouse.ts';
import type { TestClickHouse } from '../../common/testing/clickhouse.ts';
import { createSink, sinkSchema } from '../registry.ts';
import type { SinkConfig } from '../registry.ts';
import type { Sink, SinkBatch } from '../sink.ts';

/** The real engine with our tables in it, and a sink on it, for tests. */
export interface ClickHouseFixture extends AsyncDisposable {
  server: TestClickHouse;
  sink: Sink;
  /** Another sink on the same server, or with other settings. */
  makeSink(settings?: object): Sink;
  write(batch: SinkBatch): ReturnType<Sink['write']>;
  /** The value of a query's only row. */
  value(query: string): Promise<unknown>;
}

export const never = new AbortController().signal;

export function sinkConfig(settings: object): SinkConfig {
  return v.parse(sinkSchema, { type: 'clickhouse', name: 'store', ...settings });
}

export async function openFixture(settings: object = {}): Promise<ClickHouseFixture> {
  const server = await startClickHouse();
  const makeSink = (more: object = {}) =>
    createSink(sinkConfig({ url: server.url, ...settings, ...more }), {
      name: 'store',
      clock: systemClock,
      logger: silentLogger(),
    });
  const sink = makeSink();
  await sink.open(never);
  return {
    server,
    sink,
    makeSink,
    write: (batch) => sink.write(batch, never),
    value: async (query) => {
      const [row] = await server.rows<Record<string, unknown>>(query);
      return row === undefined ? undefined : Object.values(row)[0];
    },
    [Symbol.asyncDispose]: async () => {
      await sink.close();
      await server.stop();
    },
  };
}
