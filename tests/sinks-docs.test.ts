import { readFileSync } from 'node:fs';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { systemClock } from '../common/clock.ts';
import { checkConfig } from '../common/config.ts';
import { silentLogger } from '../common/logger.ts';
import { findMariadb, startMariadb } from '../common/testing/mariadb.ts';
import { findPostgres, startPostgres } from '../common/testing/postgres.ts';
import { tranweaveConfigSchema } from '../scripts/tranweave-config.ts';
import type { TranweaveConfig } from '../scripts/tranweave-config.ts';
import { createSink } from '../sinks/registry.ts';
import { addressOf } from '../sinks/sql/settings.ts';
import { aDeadLetter, aLog, aSummary, batchOf } from '../sinks/testing/rows.ts';

/** What docs/sinks.md tells people to run must work, in its order: setting up, the config, lesser users, questions. */

const page = readFileSync(new URL('../docs/sinks.md', import.meta.url), 'utf8');
const never = new AbortController().signal;

/** The code blocks of a language, in their order. */
const blocks = (language: string) =>
  [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, name, body]) =>
    name === language ? [body!] : [],
  );
const statements = (block: string) =>
  block
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');

interface Server extends AsyncDisposable {
  url: string;
  username: string;
  password: string;
}

/** What the administrator, or a user, runs on a server. */
type Ask = (
  server: Server,
  login: { user?: string; password?: string; database?: string },
  sql: string,
) => Promise<unknown>;

const askPostgres: Ask = async ({ url, username, password }, login, sql) => {
  const client = new pg.Client({
    ...addressOf(url, 0),
    user: username,
    password,
    database: 'tranweave',
    ...login,
  });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
};
const askMysql: Ask = async ({ url, username, password }, login, sql) => {
  const connection = await createConnection({ ...addressOf(url, 0), user: username, password, ...login });
  try {
    return (await connection.query(sql))[0];
  } finally {
    await connection.end();
  }
};

describe.each([
  {
    type: 'postgresql',
    language: 'postgresql',
    missing: findPostgres() === undefined,
    start: startPostgres,
    ask: askPostgres,
    /** A database to be in while there is none yet. */
    outside: { database: 'postgres' },
    prefix: 'tranweave.',
  },
  {
    type: 'mysql',
    language: 'mysql',
    missing: findMariadb() === undefined,
    start: startMariadb,
    ask: askMysql,
    outside: {},
    prefix: '',
  },
] as const)('$type', ({ type, language, missing, start, ask, outside, prefix }) => {
  test.skipIf(missing)('can be set up, filled and asked as the page says', async () => {
    await using server = await start();
    const [setUp, lesserUsers, questions] = blocks(language).map(statements);
    await ask(server, outside, 'DROP DATABASE tranweave');
    for (const statement of setUp!) await ask(server, outside, statement);

    const config = sinkOf(type);
    const at = { url: server.url, tls: 'off' as const, password: 'change-me' };
    const owner = createSink({ ...config, ...at }, parts());
    await owner.open(never);
    await owner.open(never);
    await owner.close();

    for (const statement of lesserUsers!) await ask(server, { database: 'tranweave' }, statement);
    const writer = createSink({ ...config, ...at, username: 'tranweave_writer' }, parts());
    await writer.open(never);
    for (const batch of [
      batchOf('log', 'logs', [aLog(1, { transaction_id: 'T-1' })]),
      batchOf('summary', 'summaries', [
        aSummary(1, { transaction_id: 'T-1', business_keys: { order_no: 'SO-1001' } }),
      ]),
      batchOf('dead_letter', 'letters', [aDeadLetter(1)]),
    ]) {
      expect(await writer.write(batch, never)).toEqual({ refused: [] });
      expect(await writer.write(batch, never)).toEqual({ refused: [] });
    }
    await writer.close();

    const reader = { user: 'tranweave_reader', password: 'change-me', database: 'tranweave' };
    expect(questions!.length).toBeGreaterThan(3);
    for (const question of questions!) {
      expect([question, await ask(server, reader, question)]).toEqual([question, [expect.any(Object)]]);
    }
    await expect(ask(server, reader, `DELETE FROM ${prefix}tracking_log`)).rejects.toThrow(/denied/);
  });
});

/** The page's sink of this type, out of a config that is checked as a whole. */
function sinkOf(type: 'postgresql' | 'mysql') {
  const texts = blocks('yaml').filter((text) => text.includes(`type: ${type}\n`));
  expect(texts.length).toBe(1);
  const { sinks } = parse(texts[0]!) as { sinks: unknown };
  const env = { POSTGRES_PASSWORD: 'x', MYSQL_PASSWORD: 'x' };
  const checked = checkConfig(stringify({ sinks }), tranweaveConfigSchema, env);
  expect(checked.mistakes).toBeUndefined();
  const [sink] = (checked.config as TranweaveConfig).sinks;
  if (sink?.type !== type) throw new Error(`no sink of type ${type}`);
  return sink;
}

function parts() {
  return { name: 'store', clock: systemClock, logger: silentLogger() };
}
