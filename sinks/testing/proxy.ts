import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A TCP proxy before a store, whose lines can be cut. */
export interface Proxy extends AsyncDisposable {
  port: number;
  /**
   * The next answers are swallowed and their connections cut: the store has done it, and nobody hears of it.
   *
   * @param to only answers to what has this text in it: COMMIT.
   */
  loseAnswers(count: number, to?: string): void;
  /** Answers that were lost so far. */
  lost(): number;
  /** Refuses connections and cuts those that are open, or takes them again. */
  setAway(away: boolean): void;
  /** Lets no answer through, or lets them through again: the connections stay, as with a store that hangs. */
  setSilent(silent: boolean): void;
  /** Answers that were held back since. */
  unanswered(): number;
  /** Resolves when the store is sent something next. */
  onceAsked(): Promise<void>;
}

export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let losing = 0;
  let losingTo: string | undefined;
  let silent = false;
  let unanswered = 0;
  let lost = 0;
  let away = false;
  const asked = createBell();
  const server = createServer((client) => {
    if (away) return client.destroy();
    const store = connect(Number(port), hostname);
    const end = () => {
      client.destroy();
      store.destroy();
    };
    for (const socket of [client, store]) {
      sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    let isAsked = false;
    client.on('data', (question: Buffer) => {
      asked.ring();
      if (losingTo !== undefined && question.includes(losingTo)) isAsked = true;
    });
    client.pipe(store);
    store.on('data', (answer) => {
      if (silent) {
        unanswered += 1;
        return undefined;
      }
      if (losing === 0 || (losingTo !== undefined && !isAsked)) return client.write(answer);
      losing -= 1;
      lost += 1;
      return end();
    });
    return undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    loseAnswers: (count, to) => {
      losing = count;
      losingTo = to;
    },
    lost: () => lost,
    setAway: (value) => {
      away = value;
      if (away) for (const socket of sockets) socket.destroy();
    },
    setSilent: (value) => {
      silent = value;
      unanswered = 0;
      // What was asked meanwhile is never answered.
      if (!silent) for (const socket of sockets) socket.destroy();
    },
    unanswered: () => unanswered,
    onceAsked: asked.once,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Who waits is told of the next ring. */
function createBell() {
  const waiting: (() => void)[] = [];
  return {
    ring: () => {
      for (const resolve of waiting.splice(0)) resolve();
    },
    once: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve);
      }),
  };
}
