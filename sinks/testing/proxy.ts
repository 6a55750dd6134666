import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A TCP proxy before a store, whose lines can be cut. */
export interface Proxy extends AsyncDisposable {
  port: number;
  /** The next answers are swallowed and their connections cut: the store has done it, and nobody hears of it. */
  loseAnswers(count: number): void;
  /** Answers that were lost so far. */
  lost(): number;
  /** Refuses connections and cuts those that are open, or takes them again. */
  setAway(away: boolean): void;
}

export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let losing = 0;
  let lost = 0;
  let away = false;
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
    client.pipe(store);
    store.on('data', (answer) => {
      if (losing === 0) return client.write(answer);
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
    loseAnswers: (count) => {
      losing = count;
    },
    lost: () => lost,
    setAway: (value) => {
      away = value;
      if (away) for (const socket of sockets) socket.destroy();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
