import * as v from 'valibot';
import { duration } from '../../common/config-values.ts';
import { lazyStore } from '../lazy-sink.ts';
import { sinkEntries } from '../sink.ts';
import type { Sink, SinkComponent } from '../sink.ts';

/** Shorter ones are slips of the pen that would drop everything. */
const RETENTION_MS_MIN = 3_600_000;
/** What an index that expires can be told. */
const RETENTION_MS_MAX = (2 ** 31 - 1) * 1000;

function retention(description: string) {
  return v.pipe(
    duration(description),
    v.minValue(RETENTION_MS_MIN, 'must be at least 1h'),
    v.maxValue(RETENTION_MS_MAX, 'must be at most 24855d'),
  );
}

const config = v.strictObject({
  type: v.literal('mongodb'),
  ...sinkEntries,
  url: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.regex(
        /^mongodb(?:\+srv)?:\/\/[^\s@]+$/,
        'must be like mongodb://host:27017 or mongodb+srv://host, without user and password',
      ),
      v.description(
        'Connection string of MongoDB, with options like `?replicaSet=rs0&tls=true`; user and password are settings of their own.',
      ),
    ),
    'mongodb://127.0.0.1:27017',
  ),
  database: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.regex(/^[a-z_][a-z0-9_-]{0,62}$/i, 'must be letters, digits, _ and -, starting with a letter or _'),
      v.description('Database of the collections; made if it is not there.'),
    ),
    'tranweave',
  ),
  username: v.exactOptional(v.pipe(v.string('must be a text'), v.description('User, if MongoDB wants one.'))),
  password: v.exactOptional(
    v.pipe(v.string('must be a text'), v.description('Password; better given as `${MONGODB_PASSWORD}`.')),
  ),
  retention: v.optional(
    retention('How long tracking logs are kept, from when they were collected. At least 1h.'),
    '90d',
  ),
  summary_retention: v.optional(
    retention('How long transactions are kept, from their last change. At least 1h.'),
    '90d',
  ),
  dead_letter_retention: v.optional(retention('How long dead letters are kept. At least 1h.'), '30d'),
  request_timeout: v.optional(
    v.pipe(
      duration('How long one command may take before it counts as failed and is repeated. 1s to 90s.'),
      v.minValue(1000, 'must be at least 1s'),
      // A loop of a sinks process that is silent for two minutes counts as stuck.
      v.maxValue(90_000, 'must be at most 90s'),
    ),
    '30s',
  ),
});
export type MongoSinkConfig = v.InferOutput<typeof config>;

/** MongoDB, or what speaks its protocol. Exactly once: every row has an `_id` of its own; see documents.ts and summaries.ts. */
export const mongodbSink = {
  type: 'mongodb',
  summary:
    'Stores logs, transactions and dead letters in MongoDB, or in any server that speaks its protocol, one document each. Exactly once after any crash of a sinks process.',
  example: `- name: mongodb
  type: mongodb
  url: mongodb://127.0.0.1:27017
  database: tranweave
  retention: 90d
`,
  streams: ['log', 'summary', 'dead_letter'],
  config,
  create: (settings, deps): Sink =>
    lazyStore(mongodbSink.streams, async () => (await import('./store.ts')).createMongoStore(settings, deps)),
} satisfies SinkComponent<MongoSinkConfig>;
