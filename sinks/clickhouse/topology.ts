import type { ClickHouseSettings } from '@clickhouse/client';

/**
 * Where the tables are: on one server, or spread over a cluster (cluster.ts). Migrations are written for one server; a topology says what they
 * become.
 */
export interface Topology {
  /** A statement of a migration as statements that do the same everywhere. Throws a TypeError for one that it does not know how to spread. */
  spread(statement: string): string[];
  /** What follows a name in a statement that is to run on every server: '' where there is one. */
  onCluster: string;
  /** The table that holds rows itself, of the name that is asked and written to. */
  local(table: string): string;
  /** The engine of a table that is whole on every server. */
  engineEverywhere(database: string, table: string): string;
  /**
   * Whether a server that is killed in the midst of an insert may have written down the token of a part that it does not have (repeated.ts). Replicated tables
   * commit both at once, in Keeper.
   */
  tokensOutliveParts: boolean;
  /** Given with every insert. */
  insertSettings: ClickHouseSettings;
}

export const singleServer: Topology = {
  spread: (statement) => [statement],
  onCluster: '',
  local: (table) => table,
  engineEverywhere: () => 'ReplacingMergeTree',
  tokensOutliveParts: true,
  insertSettings: {},
};
