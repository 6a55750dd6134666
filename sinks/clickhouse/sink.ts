import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { ClickHouseClient } from '@clickhouse/client';
import * as v from 'valibot';
import { duration } from '../../common/config-values.ts';
import { sinkEntries } from '../sink.ts';
import type { Sink, SinkComponent } from '../sink.ts';
import { meaningOf } from './failure.ts';
import { insertBatch } from './insert.ts';
import { migrate } from './migrate.ts';

const config = v.strictObject({
  type: v.literal('clickhouse'),
  ...sinkEntries,
  url: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.regex(/^https?:\/\/[^/\s]+\/?$/, 'must be like http://host:8123 or https://host:8443'),
      v.description("Address of ClickHouse's HTTP interface."),
    ),
    'http://127.0.0.1:8123',
  ),
  database: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.regex(/^[a-z_][a-z0-9_]{0,62}$/i, 'must be letters, digits and _, starting with no digit'),
      v.description('Database of the tables; made if it is not there.'),
    ),
    'tranweave',
  ),
  username: v.exactOptional(
    v.pipe(v.string('must be a text'), v.description('User; `default` if not given.')),
  ),
  password: v.exactOptional(
    v.pipe(v.string('must be a text'), v.description('Password; better given as `${CLICKHOUSE_PASSWORD}`.')),
  ),
  retention: v.optional(duration('How long tracking logs are kept, from when they were collected.'), '90d'),
  summary_retention: v.optional(duration('How long transactions are kept, from their first log on.'), '180d'),
  dead_letter_retention: v.optional(duration('How long dead letters are kept.'), '30d'),
  request_timeout: v.optional(
    duration('How long an insert may take before it counts as failed and is repeated.'),
    '60s',
  ),
  compression: v.optional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description('Whether inserts are sent gzipped: less network for more CPU.'),
    ),
    false,
  ),
});
export type ClickHouseSinkConfig = v.InferOutput<typeof config>;

/** ClickHouse over HTTP. Exactly once: a batch's token makes its repetition harmless; see insert.ts. */
export const clickhouseSink = {
  type: 'clickhouse',
  summary:
    'Stores logs, transactions and dead letters in ClickHouse, whose tables it makes itself. Exactly once after any crash of a sinks process.',
  example: `
- name: clickhouse
  type: clickhouse
  url: http://127.0.0.1:8123
  database: tranweave
  retention: 90d
`,
  streams: ['log', 'summary', 'dead_letter'],
  config,
  create: (settings): Sink => {
    const client = clientOf(settings);
    return {
      streams: clickhouseSink.streams,
      open: async (signal) => {
        try {
          await migrate(client, settings.database, retentionOf(settings), signal);
        } catch (error) {
          throw meaningOf(error);
        }
      },
      write: async (batch, signal) => ({
        refused: await insertBatch(client, settings.database, batch, signal),
      }),
      close: () => client.close(),
    };
  },
} satisfies SinkComponent<ClickHouseSinkConfig>;

function clientOf(settings: ClickHouseSinkConfig): ClickHouseClient {
  return createClient({
    url: settings.url,
    request_timeout: settings.request_timeout,
    compression: { request: settings.compression, response: false },
    // Failures are told by the worker, once and with their cause.
    log: { level: ClickHouseLogLevel.OFF },
    ...(settings.username === undefined ? {} : { username: settings.username }),
    ...(settings.password === undefined ? {} : { password: settings.password }),
  });
}

function retentionOf(settings: ClickHouseSinkConfig) {
  return {
    log_retention: Math.ceil(settings.retention / 1000),
    summary_retention: Math.ceil(settings.summary_retention / 1000),
    dead_letter_retention: Math.ceil(settings.dead_letter_retention / 1000),
  };
}
