import * as v from 'valibot';
import { lazyStore } from '../lazy-sink.ts';
import { sinkEntries } from '../sink.ts';
import type { Sink, SinkComponent } from '../sink.ts';
import { identifier, sqlEntries, storeUrl } from '../sql/settings.ts';

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
    lazyStore(mysqlSink.streams, async () => (await import('./store.ts')).createMysqlStore(settings, deps)),
} satisfies SinkComponent<MysqlSinkConfig>;
