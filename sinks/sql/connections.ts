import { RetriableError } from '../../common/errors.ts';
import { createSlots } from '../slots.ts';
import { bounded, GIVEN_UP } from './bounded.ts';

/** A store's connections: few, made when they are needed and kept. The drivers' own pools wait without a bound and leave what was given up at work. */
export interface Connections<Connection> {
  /**
   * Lends a connection for work that takes `msMax` at most. Throws what the work, or connecting, threw; and a RetriableError if it was given up: the
   * connection is gone then, and the server undoes what was not committed.
   */
  use<T>(msMax: number, signal: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T>;
  /** To be called when nothing uses them any more. Safe twice. */
  close(): Promise<void>;
}

export interface Driver<Connection> {
  /** For messages: PostgreSQL. */
  store: string;
  /** Makes one, within a time of its own. @param onEnd to be called when it has ended, for whatever reason. */
  connect(onEnd: (connection: Connection) => void): Promise<Connection>;
  /** After work threw: brings the connection back to where it can be used again. False if it cannot. */
  recover(connection: Connection, error: unknown): Promise<boolean>;
  /** Takes leave of the server. */
  end(connection: Connection): Promise<void>;
  /** Ends it at once, whatever it is doing. */
  destroy(connection: Connection): void;
}

/** How long closing waits for servers to say goodbye. */
const CLOSE_MS_MAX = 3_000;

/** @param max how many there are at a time; who comes when all are at work waits. */
export function createConnections<Connection>(
  driver: Driver<Connection>,
  max: number,
): Connections<Connection> {
  const idle = new Set<Connection>();
  const slots = createSlots(() => max);
  const forever = new AbortController().signal;

  async function take(): Promise<Connection> {
    const [kept] = idle;
    if (kept === undefined) return driver.connect((ended) => idle.delete(ended));
    idle.delete(kept);
    return kept;
  }

  /** Within its slot. */
  function lend<T>(
    msMax: number,
    signal: AbortSignal,
    work: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    let held: Connection | undefined;
    let over = false;
    const giveUp = () => {
      over = true;
      if (held !== undefined) driver.destroy(held);
    };
    const run = async () => {
      const connection = await take();
      if (over) {
        // Given up while it was connecting: what comes now is for nobody.
        driver.destroy(connection);
        throw new RetriableError(GIVEN_UP);
      }
      held = connection;
      try {
        const result = await work(connection);
        if (!over) idle.add(connection);
        return result;
      } catch (error) {
        if (!over && (await driver.recover(connection, error)) && !over) idle.add(connection);
        else driver.destroy(connection);
        throw error;
      }
    };
    return bounded(run, { store: driver.store, msMax, signal, giveUp });
  }

  return {
    use: async (msMax, signal, work) => {
      // Undefined only if it was aborted while it waited.
      const done = await slots.run(async () => ({ result: await lend(msMax, signal, work) }), signal);
      if (done === undefined) throw new RetriableError(GIVEN_UP);
      return done.result;
    },
    close: async () => {
      const ending = [...idle];
      idle.clear();
      await Promise.all(
        ending.map((connection) =>
          bounded(() => driver.end(connection), {
            store: driver.store,
            msMax: CLOSE_MS_MAX,
            signal: forever,
            giveUp: () => driver.destroy(connection),
          }).catch(() => driver.destroy(connection)),
        ),
      );
    },
  };
}
