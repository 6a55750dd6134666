import { isIP } from 'node:net';
import { FatalError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
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
import type { MysqlSinkConfig } from './sink.ts';

/** Making tables is done once and must not be given up half-way for taking its time. */
const MIGRATE_MS_MAX = 5 * 60_000;
/** Counting the logs of days. */
const INSPECT_MS_MAX = 5 * 60_000;
const MYSQL_PORT = 3306;

/** What is behind the sink's config; loaded when it is used. */
export function createMysqlStore(settings: MysqlSinkConfig, deps: SinkDeps): Store {
  return createSqlStore(partsOf(settings, deps.logger), retentionsOf(settings), deps);
}

function partsOf(settings: MysqlSinkConfig, logger: Logger): SqlParts {
  const address = addressOf(settings.url, MYSQL_PORT);
  if (settings.tls === 'verify' && isIP(address.host) !== 0)
    throw new FatalError(
      `\`tls: verify\` of sink ${settings.name} needs the host in \`url\` by its name, to compare it with the certificate`,
    );
  const database = openDatabase({
    ...address,
    database: settings.database,
    username: settings.username,
    password: settings.password,
    tls: settings.tls,
    // One besides the writers', to delete what has expired.
    connectionsMax: settings.batch.writes_max + 1,
    connectMsMax: settings.connect_timeout,
    lockMsMax: settings.request_timeout,
  });
  const msMax = settings.request_timeout;
  const lend: Lend = async (signal, work) => {
    try {
      return await database.use(INSPECT_MS_MAX, signal, work);
    } catch (error) {
      throw meaningOf(error, settings);
    }
  };
  return {
    name: 'MySQL',
    nulInText: true,
    insert: (table, rows, signal) =>
      database.transaction(msMax, signal, (session) => insertRows(session, table, rows)),
    refusalOf,
    meaningOf: (error) => meaningOf(error, settings),
    migrate: (signal) =>
      database.use(MIGRATE_MS_MAX, signal, (session) => migrate(session, settings.database, logger)),
    deleteBefore: (table, before, rowsMax, signal) =>
      database.use(msMax, signal, (session) =>
        deleteBefore(session, settings.database, table, before, rowsMax),
      ),
    close: () => database.close(),
    inspector: inspectorOf(lend),
  };
}
