import { isIP } from 'node:net';
import * as v from 'valibot';
import { FatalError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
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
  type: v.literal('mysql'),
  ...sinkEntries,
  url: v.optional(
    storeUrl(
      ['mysql', 'mariadb'],
      'Address of the server; the port is 3306 if not given. User and password are settings of their own.',
    ),
    'mysql://127.0.0.1:3306',
  ),
  database: v.optional(identifier('Database of the tables, which must be there.'), 'tranweave'),
  password: v.exactOptional(
    v.pipe(v.string('must be a text'), v.description('Password; better given as `${MYSQL_PASSWORD}`.')),
  ),
  ...sqlEntries,
});
export type MysqlSinkConfig = v.InferOutput<typeof config>;

/** Making tables is done once and must not be given up half-way for taking its time. */
const MIGRATE_MS_MAX = 5 * 60_000;
/** Counting the logs of days. */
const INSPECT_MS_MAX = 5 * 60_000;
const MYSQL_PORT = 3306;

/** MySQL and MariaDB. A batch that comes again changes nothing, by the tables' keys; see insert.ts. */
export const mysqlSink = {
  type: 'mysql',
  summary:
    'Stores logs, transactions and dead letters in MySQL 8.0.17 or MariaDB 10.6, or newer, whose tables it makes itself. A batch that comes again has no effect.',
  example: `- name: mysql
  type: mysql
  url: mysql://127.0.0.1:3306
  database: tranweave
  username: tranweave
  password: change-me
`,
  streams: ['log', 'summary', 'dead_letter'],
  config,
  create: (settings, deps): Sink =>
    createSqlSink(partsOf(settings, deps.logger), mysqlSink.streams, retentionsOf(settings), deps),
} satisfies SinkComponent<MysqlSinkConfig>;

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
