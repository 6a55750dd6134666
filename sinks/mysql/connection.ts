import type { Socket } from 'node:net';
import { createConnection } from 'mysql2';
import type { Connection, QueryResult, ResultSetHeader, SslOptions } from 'mysql2';
import { createConnections } from '../sql/connections.ts';
import { errnoOf } from './failure.ts';

export interface DatabaseSettings {
  host: string;
  port: number;
  database: string;
  username: string;
  password: string | undefined;
  tls: 'off' | 'verify' | 'unchecked';
  connectionsMax: number;
  connectMsMax: number;
  /** How long a statement may wait for what another one holds. */
  lockMsMax: number;
}

/** A connection with its session set up. */
export interface Session {
  /** Rows of a query. */
  rows<T extends object>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  /** Runs a statement; returns how many rows it changed. */
  run(sql: string): Promise<number>;
  /** The statement with its values in it. */
  format(sql: string, values: readonly unknown[]): string;
  /** The largest statement that the server takes, in bytes. */
  packetBytesMax: number;
}

export interface Database {
  /**
   * Lends a connection for work that takes `msMax` at most. Throws what the server, or the way to it, threw; and a RetriableError if it was
   * given up.
   */
  use<T>(msMax: number, signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T>;
  /** The same in a transaction: all of it or nothing happens. */
  transaction<T>(msMax: number, signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const KEEP_ALIVE_AFTER_MS = 10_000;

/** A connection of the driver, and the session on it. */
interface Connected {
  connection: Connection;
  session: Session;
}

export function openDatabase(settings: DatabaseSettings): Database {
  const connections = createConnections<Connected>(
    {
      store: 'MySQL',
      connect: (onEnd) => connect(settings, onEnd),
      recover: isRolledBack,
      end: ({ connection }) =>
        new Promise((resolve, reject) =>
          connection.end((error) => (error === null ? resolve() : reject(error))),
        ),
      destroy: ({ connection }) => destroy(connection),
    },
    settings.connectionsMax,
  );
  const use: Database['use'] = (msMax, signal, work) =>
    connections.use(msMax, signal, ({ session }) => work(session));
  return {
    use,
    transaction: (msMax, signal, work) =>
      use(msMax, signal, async (session) => {
        await session.run('START TRANSACTION');
        const result = await work(session);
        await session.run('COMMIT');
        return result;
      }),
    close: () => connections.close(),
  };
}

async function connect(
  settings: DatabaseSettings,
  onEnd: (connected: Connected) => void,
): Promise<Connected> {
  const connection = createConnection({
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: settings.username,
    password: settings.password ?? '',
    ...(settings.tls === 'off' ? {} : { ssl: sslOf(settings.tls === 'verify') }),
    charset: 'utf8mb4',
    timezone: 'Z',
    dateStrings: true,
    multipleStatements: false,
    connectTimeout: settings.connectMsMax,
    enableKeepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
  });
  const session = sessionOn(connection);
  const connected = { connection, session };
  // Whoever uses the connection hears of its failure by what he waits for.
  connection.on('error', () => onEnd(connected));
  connection.on('end', () => onEnd(connected));
  try {
    // Connecting is the first thing that is waited for.
    await setUp(session, settings);
    return connected;
  } catch (error) {
    destroy(connection);
    throw error;
  }
}

/** Without `verifyIdentity` the driver would take a certificate of any other host. */
function sslOf(verify: boolean): SslOptions {
  return { rejectUnauthorized: verify, verifyIdentity: verify };
}

/** Written out, since the server's own may be otherwise: texts that are too long must be refused, not cut. */
async function setUp(session: Session, { lockMsMax }: DatabaseSettings): Promise<void> {
  await session.run(
    `SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', innodb_lock_wait_timeout = ${Math.ceil(lockMsMax / 1000)}`,
  );
  // Without locks on the gaps between rows, at which batches of different partitions would wait for each other.
  await session.run('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  const [row] = await session.rows<{ bytes: number }>('SELECT @@max_allowed_packet AS bytes');
  session.packetBytesMax = row?.bytes ?? 0;
}

function sessionOn(connection: Connection): Session {
  const query = (sql: string) =>
    new Promise<QueryResult>((resolve, reject) => {
      connection.query(sql, (error: Error | null, result: QueryResult) =>
        error === null ? resolve(result) : reject(error),
      );
    });
  const format = (sql: string, values: readonly unknown[]) => connection.format(sql, [...values]);
  return {
    rows: async <T extends object>(sql: string, values: readonly unknown[] = []) =>
      (await query(format(sql, values))) as unknown as T[],
    run: async (sql) => ((await query(sql)) as ResultSetHeader).affectedRows,
    format,
    packetBytesMax: 0,
  };
}

/** The driver only asks its socket to end, which a server that hangs never does. */
function destroy(connection: Connection): void {
  connection.destroy();
  (connection as { stream?: Socket }).stream?.destroy();
}

/** Only after what the server said itself: after anything else it is not known what it is doing. */
async function isRolledBack({ session }: Connected, error: unknown): Promise<boolean> {
  if (errnoOf(error) === undefined) return false;
  try {
    await session.run('ROLLBACK');
    return true;
  } catch {
    // The failure that led here is the one to tell.
    return false;
  }
}
