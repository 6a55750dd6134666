import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeError, RetriableError } from '../../common/errors.ts';
import { startMariadb } from '../../common/testing/mariadb.ts';
import { startPostgres } from '../../common/testing/postgres.ts';
import { findProgram, runCommand, unprivileged } from '../../common/testing/server-process.ts';
import { aLog, batchOf } from '../testing/rows.ts';
import { MYSQL, never, openFixture, POSTGRESQL } from './fixture.ts';

/** Servers with a certificate of their own making, which nobody here trusts. */

const openssl = findProgram('openssl');
let dir: string;
let [cert, key] = ['', ''];
beforeAll(async () => {
  if (openssl === undefined) return;
  dir = await mkdtemp(join(tmpdir(), 'tranweave-tls-'));
  [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  await runCommand(openssl, [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    cert,
    ...subject,
  ]);
});
afterAll(() => (openssl === undefined ? undefined : rm(dir, { recursive: true, force: true })));

/** Makes the files readable to the server's account, and to it alone, as PostgreSQL wants it. */
async function handOver(account: string): Promise<void> {
  const as = unprivileged(account);
  if (as !== undefined) for (const path of [dir, cert, key]) await chown(path, as.uid, as.gid);
  await chmod(key, 0o600);
}

const kits = [
  {
    ...POSTGRESQL,
    start: async () => {
      await handOver('postgres');
      return startPostgres(['ssl=on', `ssl_cert_file=${cert}`, `ssl_key_file=${key}`]);
    },
    encrypted:
      "SELECT bool_and(ssl) AS encrypted FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'tranweave'",
    yes: true,
  },
  {
    ...MYSQL,
    start: async () => {
      await handOver('mysql');
      return startMariadb([`--ssl-cert=${cert}`, `--ssl-key=${key}`]);
    },
    encrypted: "SHOW GLOBAL STATUS LIKE 'Ssl_accepts'",
    yes: '1',
  },
];

describe.each(kits)('$type', (kit) => {
  test.skipIf(kit.missing !== undefined || openssl === undefined)(
    'is spoken to in cipher if told so, and not at all if its certificate must be trusted',
    async () => {
      await using fixture = await openFixture(kit);
      const url = fixture.server.url.replace('127.0.0.1', 'localhost');
      const batch = batchOf('log', 'token', [aLog(1)]);
      await fixture.sink.close();
      const unchecked = fixture.makeSink({ url, tls: 'unchecked' });
      await unchecked.write(batch, never);
      const [shown] = await fixture.server.rows(kit.encrypted);
      expect(Object.values(shown!).at(-1)).toBe(kit.yes);
      await unchecked.close();
      const verifying = fixture.makeSink({ url, tls: 'verify' });
      const error: unknown = await verifying.write(batch, never).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RetriableError);
      expect(describeError(error)).toContain('self-signed certificate');
      await verifying.close();
    },
  );
});

test.skipIf(MYSQL.missing !== undefined)('MySQL by its address cannot be verified, and says so', async () => {
  await using fixture = await openFixture(MYSQL);
  const sink = fixture.makeSink({ tls: 'verify' });
  await expect(sink.open(never)).rejects.toThrow('by its name');
  await sink.close();
});
