import * as v from 'valibot';
import { lazyStore } from '../lazy-sink.ts';
import { sinkEntries } from '../sink.ts';
import type { Sink, SinkComponent } from '../sink.ts';
import { identifier, sqlEntries, storeUrl } from '../sql/settings.ts';

const config = v.strictObject({
  type: v.literal('postgresql'),
  ...sinkEntries,
  url: v.optional(
    storeUrl(
      ['postgresql', 'postgres'],
      'Address of the server; the port is 5432 if not given. User and password are settings of their own.',
    ),
    'postgresql://127.0.0.1:5432',
  ),
  database: v.optional(identifier('Database, which must be there.'), 'tranweave'),
  schema: v.optional(identifier('Schema of the tables; made if it is not there.'), 'tranweave'),
  password: v.exactOptional(
    v.pipe(v.string('must be a text'), v.description('Password; better given as `${POSTGRES_PASSWORD}`.')),
  ),
  ...sqlEntries,
});
export type PostgresqlSinkConfig = v.InferOutput<typeof config>;

/** PostgreSQL. A batch that comes again changes nothing, by the tables' keys; see insert.ts. */
export const postgresqlSink = {
  type: 'postgresql',
  summary:
    'Stores logs, transactions and dead letters in PostgreSQL 13 or newer, whose tables it makes itself. A batch that comes again has no effect.',
  example: `- name: postgresql
  type: postgresql
  url: postgresql://127.0.0.1:5432
  database: tranweave
  username: tranweave
  password: change-me
`,
  streams: ['log', 'summary', 'dead_letter'],
  config,
  create: (settings, deps): Sink =>
    lazyStore(postgresqlSink.streams, async () =>
      (await import('./store.ts')).createPostgresqlStore(settings, deps),
    ),
} satisfies SinkComponent<PostgresqlSinkConfig>;
