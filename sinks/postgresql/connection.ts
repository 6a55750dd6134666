import pg from 'pg';
import type { Client } from 'pg';
import { FatalError } from '../../common/errors.ts';
import { createConnections } from '../sql/connections.ts';
import type { Connections } from '../sql/connections.ts';

export interface DatabaseSettings {
  host: string;
  port: number;
  database: string;
  username: string;
  password: string | undefined;
  tls: 'off' | 'verify' | 'unchecked';
  connectionsMax: number;
  connectMsMax: number;
}

export interface Database {
  /**
   * Runs the work in a transaction, which takes `msMax` at most: all of it or nothing happens. Throws what PostgreSQL, or the way to it, threw;
   * and a RetriableError if it was given up.
   */
  transaction<T>(msMax: number, signal: AbortSignal, work: (client: Client) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const KEEP_ALIVE_AFTER_MS = 10_000;

export function openDatabase(settings: DatabaseSettings): Database {
  const connections: Connections<Client> = createConnections(
    {
      store: 'PostgreSQL',
      connect: (onEnd) => connect(settings, onEnd),
      recover: isRolledBack,
      end: (client) => client.end(),
      destroy: (client) => client.connection.stream.destroy(),
    },
    settings.connectionsMax,
  );
  return {
    transaction: (msMax, signal, work) =>
      connections.use(msMax, signal, async (client) => {
        await client.query(beginning(msMax));
        const result = await work(client);
        await client.query('COMMIT');
        return result;
      }),
    close: () => connections.close(),
  };
}

async function connect(settings: DatabaseSettings, onEnd: (client: Client) => void): Promise<Client> {
  const client = new pg.Client({
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: settings.username,
    // Called only when the server asks for one.
    password: () => {
      // An empty one, as from a variable that is not set, is none.
      if (!settings.password) throw new FatalError('PostgreSQL wants a password (password)');
      return settings.password;
    },
    ssl: settings.tls === 'off' ? false : { rejectUnauthorized: settings.tls === 'verify' },
    application_name: 'tranweave',
    connectionTimeoutMillis: settings.connectMsMax,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
  });
  // Whoever uses the connection hears of its failure by what he waits for.
  client.on('error', () => onEnd(client));
  client.on('end', () => onEnd(client));
  await client.connect();
  return client;
}

/**
 * Set for each transaction, since a pooler between us and the server may give every transaction another session. Where commits are answered before
 * they are on the disk, ours are not: what is committed is let go in Redis.
 */
function beginning(msMax: number): string {
  return `BEGIN; SET LOCAL statement_timeout = ${msMax}; SET LOCAL idle_in_transaction_session_timeout = ${msMax};
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`;
}

/** Only after what the server said itself: after anything else it is not known what it is doing. */
async function isRolledBack(client: Client, error: unknown): Promise<boolean> {
  if (!(error instanceof pg.DatabaseError)) return false;
  try {
    await client.query('ROLLBACK');
    return true;
  } catch {
    // The failure that led here is the one to tell.
    return false;
  }
}
