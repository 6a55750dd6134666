import * as v from 'valibot';
import { sinkEntries } from '../sink.ts';
import type { Sink, SinkComponent } from '../sink.ts';
import { addressOf, identifier, retentionsOf, sqlEntries, storeUrl } from '../sql/settings.ts';
import { createSqlSink } from '../sql/sink.ts';
import type { SqlParts } from '../sql/sink.ts';
import { openDatabase } from './connection.ts';
import { meaningOf, refusalOf } from './failure.ts';
import { insertRows } from './insert.ts';
import { inspectorOf } from './inspect.ts';
import type { Lend } from './inspect.ts';
import { migrate } from './migrate.ts';
import { deleteBefore } from './retention.ts';

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

/** Making tables is done once and must not be given up half-way for taking its time. */
const MIGRATE_MS_MAX = 5 * 60_000;
/** Counting the logs of days. */
const INSPECT_MS_MAX = 5 * 60_000;
const POSTGRESQL_PORT = 5432;

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
    createSqlSink(partsOf(settings), postgresqlSink.streams, retentionsOf(settings), deps),
} satisfies SinkComponent<PostgresqlSinkConfig>;

function partsOf(settings: PostgresqlSinkConfig): SqlParts {
  const database = openDatabase({
    ...addressOf(settings.url, POSTGRESQL_PORT),
    database: settings.database,
    username: settings.username,
    password: settings.password,
    tls: settings.tls,
    // One besides the writers', to delete what has expired.
    connectionsMax: settings.batch.writes_max + 1,
    connectMsMax: settings.connect_timeout,
  });
  const msMax = settings.request_timeout;
  const lend: Lend = async (signal, work) => {
    try {
      return await database.transaction(INSPECT_MS_MAX, signal, work);
    } catch (error) {
      throw meaningOf(error, settings);
    }
  };
  return {
    name: 'PostgreSQL',
    nulInText: false,
    insert: (table, rows, signal) =>
      database.transaction(msMax, signal, (client) => insertRows(client, settings.schema, table, rows)),
    refusalOf,
    meaningOf: (error) => meaningOf(error, settings),
    migrate: (signal) =>
      database.transaction(MIGRATE_MS_MAX, signal, (client) => migrate(client, settings.schema)),
    deleteBefore: (table, before, rowsMax, signal) =>
      database.transaction(msMax, signal, (client) =>
        deleteBefore(client, settings.schema, table, before, rowsMax),
      ),
    close: () => database.close(),
    inspector: inspectorOf(lend, settings.schema),
  };
}
