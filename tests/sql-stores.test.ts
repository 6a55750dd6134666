import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findMariadb, startMariadb } from '../common/testing/mariadb.ts';
import { findPostgres, startPostgres } from '../common/testing/postgres.ts';
import { until } from '../common/testing/until.ts';
import { writeLogs } from '../scripts/commands/generate.ts';
import type { Ledger } from '../scripts/generate/generator.ts';
import { createLandscape } from './support/landscape.ts';
import type { Landscape, RoleProcess } from './support/landscape.ts';

/** PostgreSQL and MariaDB side by side, without ClickHouse: real processes, whose sinks are killed, and a server that is away for a while. */

type Counts = Omit<Ledger, 'lines'>;

interface Server {
  url: string;
  username: string;
  password: string;
  rows<T extends object>(sql: string): Promise<T[]>;
}

/** What both tables of a store hold, in the ledger's words. */
async function counted(server: Server, prefix: string): Promise<Counts> {
  const [logs] = await server.rows<object>(
    `SELECT count(*) AS logs, COALESCE(sum(record_count), 0) AS record_count FROM ${prefix}tracking_log`,
  );
  const of = (status: string) =>
    `COALESCE(sum(CASE WHEN status = '${status}' THEN 1 ELSE 0 END), 0) AS ${status}`;
  const [transactions] = await server.rows<object>(
    `SELECT count(*) AS transactions, ${['completed', 'failed', 'in_progress'].map(of).join(', ')} FROM ${prefix}transaction_summary`,
  );
  const numbers = Object.entries({ ...logs, ...transactions }).map(([name, value]) => [name, Number(value)]);
  return Object.fromEntries(numbers) as Counts;
}

function sum(a: Counts, b: Counts): Counts {
  return Object.fromEntries(
    Object.entries(a).map(([name, value]) => [name, value + b[name as keyof Counts]]),
  ) as Counts;
}

/** Puts generated logs where the file input finds them; what must come out of them. */
async function send(landscape: Landscape, prefix: string, seed: number): Promise<Counts> {
  const file = join(landscape.dir, `${prefix}.ndjson`);
  const { lines, ...expected } = await writeLogs(file, {
    transactions: 6000,
    seed,
    prefix,
    duplicates: 0.05,
  });
  expect(lines).toBeGreaterThan(expected.logs);
  await rename(file, join(landscape.inbox, `${prefix}.log`));
  return expected;
}

const batch = { delay_max: '100ms', rows_max: 1000 };
const settings = ({ url, username, password }: Server) => ({ url, username, password, batch });

const missing = findPostgres() === undefined || findMariadb() === undefined;

test.skipIf(missing)(
  'two stores meet the ledger although sinks are killed, and one that is away does not delay the other',
  async () => {
    await using postgres = await startPostgres();
    await using mariadb = await startMariadb();
    await using landscape = await createLandscape({
      sinks: [
        { name: 'postgres', type: 'postgresql', ...settings(postgres) },
        { name: 'mariadb', type: 'mysql', ...settings(mariadb) },
      ],
    });
    const inPostgres = () => counted(postgres, 'tranweave.');
    const inMariadb = () => counted(mariadb, '');
    const startSinks = () => Promise.all([landscape.start('sinks'), landscape.start('sinks')]);
    await Promise.all([landscape.start('collector'), landscape.start('processor')]);
    let sinks: RoleProcess[] = await startSinks();

    const first = await send(landscape, 'A', 11);
    for (let round = 0; round < 4; round += 1) {
      // Killed while at work: after some more rows have arrived, not after some time.
      const before = [await inPostgres(), await inMariadb()];
      await until('more logs are stored in both', async () => {
        const now = [await inPostgres(), await inMariadb()];
        return now.every(({ logs }, i) => logs > before[i]!.logs || logs === first.logs);
      });
      for (const role of sinks) role.kill('SIGKILL');
      await Promise.all(sinks.map((role) => role.ended));
      sinks = await startSinks();
    }
    await landscape.drained(60_000);
    expect([await inPostgres(), await inMariadb()]).toEqual([first, first]);

    await postgres.shutDown();
    const expected = sum(first, await send(landscape, 'B', 12));
    await until(
      'the other store has everything',
      async () => (await inMariadb()).logs === expected.logs,
      60_000,
    );
    const troubles = await Promise.all(
      sinks.map(async ({ adminUrl }) => (await fetch(`${adminUrl}/readyz`)).text()),
    );
    expect(troubles.join(' ')).toContain('sink postgres: ');
    expect(troubles.join(' ')).not.toContain('sink mariadb: ');

    await postgres.start();
    await landscape.drained(60_000);
    expect([await inPostgres(), await inMariadb()]).toEqual([expected, expected]);
    for (const [server, prefix] of [
      [postgres, 'tranweave.'],
      [mariadb, ''],
    ] as const) {
      expect(await server.rows(`SELECT count(*) AS n FROM ${prefix}dead_letter`)).toEqual([{ n: 0 }]);
    }
    for (const role of sinks) expect(await role.stop()).toBe(0);
  },
  240_000,
);
