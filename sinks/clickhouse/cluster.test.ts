import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Session } from 'chdb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FatalError } from '../../common/errors.ts';
import { systemClock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { startClickHouse } from '../../common/testing/clickhouse.ts';
import type { TestClickHouse } from '../../common/testing/clickhouse.ts';
import { FORMAT_OF } from './format.ts';
import { createSink } from '../registry.ts';
import { aDeadLetter, aLog, aSummary, batchOf } from '../testing/rows.ts';
import { clusterTopology } from './cluster.ts';
import { never, sinkConfig } from './fixture.ts';
import { statementsOf } from '../migration-files.ts';
import { migrations } from './migrate.ts';
import { singleServer } from './topology.ts';
import type { Topology } from './topology.ts';

/**
 * What the migrations become on a cluster. There is none here: the statements are read, parsed by the engine, and run as far as one server
 * can (docs/clickhouse-cluster.md says what that leaves open).
 */

const PARAMETERS = {
  database: 'tranweave',
  log_retention: 7_776_000,
  summary_retention: 7_776_000,
  dead_letter_retention: 2_592_000,
};
const cluster = clusterTopology({ name: 'main', insert_quorum: false }, 30_000);
const statementsFor = (topology: Topology) =>
  migrations().flatMap(({ sql }) => statementsOf(sql, PARAMETERS).flatMap((each) => topology.spread(each)));
const onCluster = statementsFor(cluster);
const TABLES = ['tracking_log', 'transaction_summary_revision', 'dead_letter', 'transaction_brief_revision'];

describe('the migrations', () => {
  test('for a cluster are what docs/clickhouse-cluster.sql says', async () => {
    const file = fileURLToPath(new URL('../../docs/clickhouse-cluster.sql', import.meta.url));
    await expect(`${onCluster.join(';\n\n')};\n`).toMatchFileSnapshot(file);
  });

  test('run on every server of the cluster, each of them twice without harm', () => {
    for (const sql of onCluster) {
      expect(sql).toMatch(
        /^(CREATE (TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS|ALTER TABLE) \w+\.\w+ ON CLUSTER 'main'/,
      );
      expect(sql.match(/ON CLUSTER/g)).toHaveLength(1);
    }
    expect(
      statementsFor(singleServer).filter((sql) => /CLUSTER|_local|Replicated|Distributed/.test(sql)),
    ).toEqual([]);
  });

  test.each(TABLES)('give each server a replicated %s_local that remembers tokens for a week', (table) => {
    const [local, ...more] = onCluster.filter((sql) =>
      sql.startsWith(`CREATE TABLE IF NOT EXISTS tranweave.${table}_local `),
    );
    expect(more).toEqual([]);
    expect(local).toContain(
      `ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tranweave/${table}_local', '{replica}', `,
    );
    expect(local).toMatch(
      /SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800,/,
    );
    // A default that is computed anew would differ between the replicas that took the two attempts.
    expect(local).not.toMatch(/DEFAULT (now|rand|generate)/);
  });

  test.each(TABLES)('give each server a %s that asks all shards, a transaction on one of them', (table) => {
    const key = { dead_letter: 'cityHash64(event_id)', transaction_brief_revision: 'transaction_hash' }[
      table
    ];
    expect(
      onCluster.filter((sql) => sql.startsWith(`CREATE TABLE IF NOT EXISTS tranweave.${table} `)),
    ).toEqual([
      expect.stringContaining(
        `AS tranweave.${table}_local\nENGINE = Distributed('main', 'tranweave', '${table}_local', ${key ?? 'cityHash64(transaction_id)'})`,
      ),
    ]);
  });

  test('feed the brief on the shard that has the summary', () => {
    const feed = onCluster.find((sql) => sql.startsWith('CREATE MATERIALIZED VIEW'));
    expect(feed).toMatch(/TO tranweave\.transaction_brief_revision_local\n/);
    expect(feed).toMatch(/FROM tranweave\.transaction_summary_revision_local$/m);
  });

  test('that have a statement which is not known here are refused, and not run on one server only', () => {
    for (const sql of [
      'ALTER TABLE tranweave.tracking_log ADD COLUMN x String',
      'CREATE TABLE IF NOT EXISTS tranweave.other\n(a String)\nENGINE = ReplacingMergeTree(a)',
      'CREATE TABLE IF NOT EXISTS tranweave.dead_letter\n(a String)\nENGINE = MergeTree',
    ])
      expect(() => cluster.spread(sql)).toThrow(TypeError);
  });
});

describe('the engine', () => {
  let server: TestClickHouse;
  beforeAll(async () => {
    server = await startClickHouse();
  });
  afterAll(() => server.stop());

  test('parses every statement as it is meant', async () => {
    for (const sql of onCluster) {
      const result = await server.client.query({
        query: 'SELECT formatQuery({sql:String}) AS formatted',
        query_params: { sql },
        format: 'JSONEachRow',
      });
      const [row] = await result.json<{ formatted: string }>();
      expect(row!.formatted).toContain(' ON CLUSTER main');
    }
  });

  test('says that it knows no such cluster, which nobody mends by waiting', async () => {
    const sink = createSink(sinkConfig({ url: server.url, cluster: { name: 'nowhere' } }), {
      name: 'store',
      clock: systemClock,
      logger: silentLogger(),
    });
    await expect(sink.open(never)).rejects.toThrow(
      new FatalError('ClickHouse knows no cluster of this name (cluster.name)'),
    );
    await sink.close();
  });
});

test('inserts go to the table that splits them, are answered when the shards have them, and carry the token of the batch', async () => {
  const asked: URL[] = [];
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '', 'http://localhost'));
    request.resume().on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const insert_quorum of [false, true]) {
    const sink = createSink(
      sinkConfig({ url, request_timeout: '20s', cluster: { name: 'main', insert_quorum } }),
      {
        name: 'store',
        clock: systemClock,
        logger: silentLogger(),
      },
    );
    await sink.write(batchOf('log', 'the token', [aLog(1)]), never);
    await sink.close();
    const given = Object.fromEntries(asked.at(-1)!.searchParams);
    expect(given).toMatchObject({
      query: `INSERT INTO tranweave.tracking_log ${FORMAT_OF.log}`,
      insert_deduplication_token: 'the token',
      distributed_foreground_insert: '1',
      max_insert_block_size: '2',
    });
    expect(given['insert_quorum']).toBe(insert_quorum ? 'auto' : undefined);
    expect(given['insert_quorum_timeout']).toBe(insert_quorum ? '20000' : undefined);
  }
  server.closeAllConnections();
  server.close();
});

/** A server of a cluster of two shards, without what needs others: replication, and asking them. */
describe('one server of a cluster, as far as it can be without the others,', () => {
  let dir: string;
  let session: Session;
  const rows = <T>(sql: string) =>
    session
      .query(sql, 'JSONEachRow')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);
  const columnsOf = (table: string) =>
    rows(
      `SELECT name, type, comment FROM system.columns WHERE database = 'tranweave' AND table = '${table}' ORDER BY position`,
    );

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tranweave-cluster-'));
    const shard = (host: string) => `<shard><replica><host>${host}</host><port>1</port></replica></shard>`;
    const config = `<clickhouse><remote_servers><main>${shard('127.0.0.1')}${shard('127.0.0.2')}</main></remote_servers></clickhouse>`;
    await writeFile(join(dir, 'config.xml'), config);
    session = new Session(join(dir, 'data'), {
      connectionArgs: [`--config-file=${join(dir, 'config.xml')}`],
    });
    session.query('CREATE DATABASE tranweave');
    for (const sql of onCluster) session.query(withoutOthers(sql));
  });
  afterAll(async () => {
    session.close();
    await rm(dir, { recursive: true, force: true });
  });

  test.each(TABLES)(
    'has of %s the same columns in the table that is asked as in the one that holds them',
    (table) => {
      expect(columnsOf(table)).toEqual(columnsOf(`${table}_local`));
      expect(columnsOf(table).length).toBeGreaterThan(5);
    },
  );

  test('stores what others send it, and counts it', () => {
    const lines = {
      tracking_log: [aLog(1)],
      transaction_summary_revision: [aSummary(1), aSummary(2)],
      dead_letter: [aDeadLetter(1)],
    };
    for (const [table, values] of Object.entries(lines)) {
      const ndjson = values.map((value) => JSON.stringify(value)).join('\n');
      session.query(
        `INSERT INTO tranweave.${table}_local SETTINGS date_time_input_format = 'best_effort', async_insert = 0 FORMAT JSONEachRow\n${ndjson}`,
      );
      expect(rows(`SELECT count() AS n FROM tranweave.${table}_local`)).toEqual([{ n: values.length }]);
    }
    expect(rows('SELECT count() AS n FROM tranweave.transaction_brief_revision_local')).toEqual([{ n: 2 }]);
  });

  test('asks the others for views', () => {
    for (const view of ['transaction_summary', 'transaction_step', 'interface_minute', 'step_minute'])
      expect(() => session.query(`SELECT * FROM tranweave.${view}`)).toThrow(/ALL_CONNECTION_TRIES_FAILED/);
  });
});

function withoutOthers(sql: string): string {
  return sql
    .replace(" ON CLUSTER 'main'", '')
    .replace(/Replicated(ReplacingMergeTree)\('[^']*', '[^']*', (\w+)\)/, '$1($2)');
}
