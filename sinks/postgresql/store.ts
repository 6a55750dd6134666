import type { Store } from '../lazy-sink.ts';
import type { SinkDeps } from '../sink.ts';
import { createSqlStore } from '../sql/store.ts';
import type { SqlParts } from '../sql/store.ts';
import { addressOf, retentionsOf } from '../sql/settings.ts';
import { openDatabase } from './connection.ts';
import { meaningOf, refusalOf } from './failure.ts';
import { insertRows } from './insert.ts';
import { inspectorOf } from './inspect.ts';
import type { Lend } from './inspect.ts';
import { migrate } from './migrate.ts';
import { deleteBefore } from './retention.ts';
import type { PostgresqlSinkConfig } from './sink.ts';

/** Making tables is done once and must not be given up half-way for taking its time. */
const MIGRATE_MS_MAX = 5 * 60_000;
/** Counting the logs of days. */
const INSPECT_MS_MAX = 5 * 60_000;
const POSTGRESQL_PORT = 5432;

/** What is behind the sink's config; loaded when it is used. */
export function createPostgresqlStore(settings: PostgresqlSinkConfig, deps: SinkDeps): Store {
  return createSqlStore(partsOf(settings), retentionsOf(settings), deps);
}

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
