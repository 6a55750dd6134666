import type * as v from 'valibot';
import { anyOf, createPart } from '../common/component.ts';
import type { StreamKind } from '../common/redis/keys.ts';
import { clickhouseSink } from './clickhouse/sink.ts';
import { mysqlSink } from './mysql/sink.ts';
import { postgresqlSink } from './postgresql/sink.ts';
import { mongodbSink } from './mongodb/sink.ts';
import { ndjsonSink } from './ndjson/sink.ts';
import type { Sink, SinkDeps } from './sink.ts';

/** Every sink by its `type`. A new one is one file and one line here. */
export const sinks = {
  clickhouse: clickhouseSink,
  postgresql: postgresqlSink,
  mysql: mysqlSink,
  mongodb: mongodbSink,
  ndjson: ndjsonSink,
};

/** The schema of an entry of `sinks:`. */
export const sinkSchema = anyOf(sinks);
/** The config of any sink. */
export type SinkConfig = v.InferOutput<typeof sinkSchema>;

export function createSink(config: SinkConfig, deps: SinkDeps): Sink {
  return createPart<SinkDeps, Sink>(sinks, config, deps);
}

/** The streams that a sink takes, known without opening it: its groups must exist before anything is trimmed. */
export function streamsOf(config: SinkConfig): readonly StreamKind[] {
  return sinks[config.type].streams;
}
