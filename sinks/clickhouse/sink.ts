import * as v from 'valibot';
import { duration } from '../../common/config-values.ts';
import { retentionOf } from '../config.ts';
import { lazyStore } from '../lazy-sink.ts';
import { sinkEntries } from '../sink.ts';
import type { Sink, SinkComponent } from '../sink.ts';
import { clusterConfig } from './cluster.ts';

const config = v.strictObject({
  type: v.literal('clickhouse'),
  ...sinkEntries,
  url: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.regex(/^https?:\/\/[^/\s@?#]+\/?$/, 'must be like http://host:8123 or https://host:8443'),
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
  cluster: v.exactOptional(
    v.pipe(
      clusterConfig,
      v.description(
        'Spreads the tables over a ClickHouse cluster instead of one server; decided once, before the first start.',
      ),
    ),
  ),
  username: v.exactOptional(
    v.pipe(v.string('must be a text'), v.description('User; `default` if not given.')),
  ),
  password: v.exactOptional(
    v.pipe(v.string('must be a text'), v.description('Password; better given as `${CLICKHOUSE_PASSWORD}`.')),
  ),
  retention: v.optional(
    retentionOf(
      'How long tracking logs are kept, from when they were collected: a day of event_time is dropped as a whole once its last log has expired. At least 1h.',
    ),
    '90d',
  ),
  summary_retention: v.optional(
    retentionOf('How long transactions are kept, from their last change. At least 1h.'),
    '90d',
  ),
  dead_letter_retention: v.optional(retentionOf('How long dead letters are kept. At least 1h.'), '30d'),
  request_timeout: v.optional(
    v.pipe(
      duration(
        'How long ClickHouse may be silent over an insert before it counts as failed and is repeated. 1s to 90s.',
      ),
      v.minValue(1000, 'must be at least 1s'),
      // A loop of a sinks process that is silent for two minutes counts as stuck.
      v.maxValue(90_000, 'must be at most 90s'),
    ),
    '30s',
  ),
  compression: v.optional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description(
        'Whether inserts are sent gzipped: a tenth of the network for more CPU. Worth it when ClickHouse is on another machine behind a slow line.',
      ),
    ),
    false,
  ),
});
export type ClickHouseSinkConfig = v.InferOutput<typeof config>;

/** ClickHouse over HTTP. Exactly once: a batch's token makes its repetition harmless; see insert.ts and settings.ts. */
export const clickhouseSink = {
  type: 'clickhouse',
  summary:
    'Stores logs, transactions and dead letters in ClickHouse, whose tables it makes itself. Exactly once after any crash of a sinks process.',
  example: `- name: clickhouse
  type: clickhouse
  url: http://127.0.0.1:8123
  database: tranweave
  retention: 90d
`,
  streams: ['log', 'summary', 'dead_letter'],
  config,
  create: (settings): Sink =>
    lazyStore(
      clickhouseSink.streams,
      async () => (await import('./store.ts')).createClickHouseStore(settings),
      { joint: true },
    ),
} satisfies SinkComponent<ClickHouseSinkConfig>;
