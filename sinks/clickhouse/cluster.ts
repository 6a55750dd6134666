import * as v from 'valibot';
import type { Topology } from './topology.ts';

/**
 * The tables on a ClickHouse cluster (docs/clickhouse-cluster.md): of each table X of a migration every server gets X_local, which is replicated within its
 * shard, and X, which holds nothing, splits what is inserted by transaction and asks all shards.
 *
 * A transaction's rows are all on one shard: only so can FINAL tell the newest revision without asking the others, and only so does a batch that comes
 * again split into the same pieces, each of which its shard knows by the batch's token.
 */
export const clusterConfig = v.strictObject({
  name: v.pipe(
    v.string('must be a text'),
    v.regex(/^[\w.-]{1,63}$/, 'must be letters, digits, _, . and -'),
    v.description(
      "Name of the cluster in ClickHouse's remote_servers. Its shards have internal_replication, its servers the macros {shard} and {replica}.",
    ),
  ),
  insert_quorum: v.optional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description(
        'Whether a batch counts as stored only when a majority of its shards’ replicas have it. Without it a replica that is lost for good can take rows with it that nobody else has yet; with it nothing is stored while a majority is away.',
      ),
    ),
    false,
  ),
});
export type ClusterConfig = v.InferOutput<typeof clusterConfig>;

/** By what rows are spread. The brief has the same hash as a column, and is filled on the shard that holds the summary. */
const SHARDED_BY: Readonly<Record<string, string>> = {
  tracking_log: 'cityHash64(transaction_id)',
  transaction_summary_revision: 'cityHash64(transaction_id)',
  transaction_brief_revision: 'transaction_hash',
  dead_letter: 'cityHash64(event_id)',
};

/** @param quorumMsMax how long an insert may wait for its quorum. */
export function clusterTopology({ name, insert_quorum }: ClusterConfig, quorumMsMax: number): Topology {
  const onCluster = ` ON CLUSTER '${name}'`;
  return {
    spread: (statement) => spread(statement, name, onCluster),
    onCluster,
    local,
    // One path for all shards: every server is a replica of the whole.
    engineEverywhere: (database, table) =>
      `ReplicatedReplacingMergeTree('/clickhouse/tables/all/${database}/${table}', '{shard}-{replica}')`,
    tokensOutliveParts: false,
    insertSettings: {
      // Answered once the shards have it: by default it would wait in a queue on the disk of one server, to be sent in blocks of other sizes.
      distributed_foreground_insert: 1,
      ...(insert_quorum ? { insert_quorum: 'auto', insert_quorum_timeout: quorumMsMax } : {}),
    },
  };
}

const local = (table: string) => `${table}_local`;

type Spread = (statement: string, name: string, onCluster: string) => string[];

/** Kinds of statements, by their beginning. */
const KINDS: readonly { begins: RegExp; spread: Spread }[] = [
  { begins: /^CREATE TABLE IF NOT EXISTS (\w+)\.(\w+)\s*\(/, spread: spreadTable },
  { begins: /^CREATE MATERIALIZED VIEW IF NOT EXISTS \w+\.\w+ TO /, spread: spreadFeed },
  { begins: /^CREATE VIEW IF NOT EXISTS /, spread: asItIs },
  { begins: /^ALTER TABLE \w+\.\w+\s+COMMENT COLUMN /, spread: asItIs },
];

function spread(statement: string, name: string, onCluster: string): string[] {
  const kind = KINDS.find(({ begins }) => begins.test(statement));
  if (kind === undefined)
    throw new TypeError(
      `a migration has a statement that is not known on a cluster: ${statement.slice(0, 100)}`,
    );
  return kind.spread(statement, name, onCluster);
}

/** On every server: views read the tables that ask all shards. */
function asItIs(statement: string, _name: string, onCluster: string): string[] {
  return [replaceOnce(statement, /^(CREATE VIEW IF NOT EXISTS|ALTER TABLE) (\w+\.\w+)/, `$1 $2${onCluster}`)];
}

/** Rows that a server stores feed the table of that same server. */
function spreadFeed(statement: string, _name: string, onCluster: string): string[] {
  const placed = replaceOnce(
    statement,
    /^(CREATE MATERIALIZED VIEW IF NOT EXISTS \w+\.\w+) TO (\w+\.\w+)/,
    `$1${onCluster} TO $2_local`,
  );
  return [replaceOnce(placed, /^FROM (\w+\.\w+)$/m, 'FROM $1_local')];
}

function spreadTable(statement: string, name: string, onCluster: string): string[] {
  const [, database = '', table = ''] = /^CREATE TABLE IF NOT EXISTS (\w+)\.(\w+)/.exec(statement) ?? [];
  const key = SHARDED_BY[table];
  if (key === undefined) throw new TypeError(`by what ${table} is to be spread over a cluster is not known`);
  const comment = /^COMMENT ('(?:[^'\\]|'')*')$/m.exec(statement)?.[1] ?? "''";
  const path = `'/clickhouse/tables/{shard}/${database}/${local(table)}', '{replica}'`;
  const named = replaceOnce(
    statement,
    /^CREATE TABLE IF NOT EXISTS (\w+\.\w+)/,
    `CREATE TABLE IF NOT EXISTS $1_local${onCluster}`,
  );
  const replicated = replaceOnce(
    named,
    /^ENGINE = ReplacingMergeTree\((\w+)\)$/m,
    `ENGINE = ReplicatedReplacingMergeTree(${path}, $1)`,
  );
  const remembering = replaceOnce(
    replicated,
    /\bnon_replicated_deduplication_window = (\d+)/,
    // A token is remembered for a week: by default an hour, which a store may well be away for.
    'replicated_deduplication_window = $1, replicated_deduplication_window_seconds = 604800',
  );
  return [
    remembering,
    `CREATE TABLE IF NOT EXISTS ${database}.${table}${onCluster} AS ${database}.${local(table)}
ENGINE = Distributed('${name}', '${database}', '${local(table)}', ${key})
COMMENT ${comment}`,
  ];
}

/** A statement in which the pattern is not found would silently do something else than it must. */
function replaceOnce(statement: string, pattern: RegExp, by: string): string {
  if (!pattern.test(statement))
    throw new TypeError(`a migration has a statement without ${String(pattern)}: ${statement.slice(0, 100)}`);
  return statement.replace(pattern, by);
}
