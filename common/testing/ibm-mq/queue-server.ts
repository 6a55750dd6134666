import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { createMd, messageIdOf, readLong } from './message.ts';
import type { PutOptions, StandInMessage } from './message.ts';
import { serveConnection } from './connection.ts';
import type { ConnectionInfo, Fault, Verb } from './connection.ts';
import { StandInQueueManager } from './queue-manager.ts';
import type { QueueDefinition } from './queue.ts';

/** A small queue server on loopback, which programs reach through the ibmmq package and the stand-in client library. */
export interface QueueServer extends AsyncDisposable {
  port: number;
  /** `127.0.0.1(port)`, as a connection is named in MQ. */
  connectionName: string;
  /** Those that are connected now. */
  connections(): ConnectionInfo[];
  put(queue: string, data: Buffer | string, options?: PutOptions): void;
  /** What can be got now, in order. */
  messages(queue: string): StandInMessage[];
  depth(queue: string): number;
  /** Messages that getters got and committed. */
  committed(queue: string): number;
  /** Messages that are got or put and not committed yet. */
  uncommitted(): number;
  /** How often a message came back to a queue. */
  cameBack(): number;
  /** From now on the verb fails with this reason, so many times; every time if not said. */
  fail(verb: Verb, reason: number, times?: number): void;
  /** No verb fails on purpose any more. */
  heal(): void;
  /** Cuts every connection: what was not committed comes back. Resolves when it has. */
  dropConnections(): Promise<void>;
  /** Requests are read but not answered, until `speak`: a connection that tells nothing. */
  silence(): void;
  speak(): void;
  /** Nobody listens until `listen`; connections are cut. */
  unlisten(): Promise<void>;
  listen(): Promise<void>;
  stop(): Promise<void>;
}

export interface QueueServerOptions {
  queues: Readonly<Record<string, QueueDefinition>>;
  /** Without it everybody may connect; else 2035 answers a wrong user or password. */
  credentials?: { user: string; password: string };
  /** MAXUMSGS. */
  uncommittedMax?: number;
}

export async function startQueueServer(options: QueueServerOptions): Promise<QueueServer> {
  const manager = new StandInQueueManager(options.queues, options.uncommittedMax);
  const sockets = new Map<Socket, ConnectionInfo>();
  const faults = new Map<Verb, Fault>();
  const state = { silent: false };
  const server = createServer({ noDelay: true }, (socket) => {
    const info: ConnectionInfo = {
      queueManager: '',
      channel: '',
      user: '',
      cipher: '',
      keyRepository: '',
      program: '',
    };
    sockets.set(socket, info);
    socket.once('close', () => sockets.delete(socket));
    serveConnection(socket, { manager, info, faults, state, credentials: options.credentials });
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  async function dropConnections(): Promise<void> {
    const closed = [...sockets.keys()].map((socket) => once(socket, 'close'));
    for (const socket of sockets.keys()) socket.destroy();
    await Promise.all(closed);
  }
  async function unlisten(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    await dropConnections();
    await closed;
  }
  return {
    port,
    connectionName: `127.0.0.1(${port})`,
    connections: () => [...sockets.values()],
    put: (queue, data, put = {}) => {
      const verdict = manager.put(undefined, manager.queues.get(queue), createMd(put), Buffer.from(data), 0);
      if (verdict.code !== 0) throw new Error(`cannot put to ${queue}: reason ${verdict.reason}`);
    },
    messages: (queue) => manager.queues.get(queue)?.list() ?? [],
    depth: (queue) => manager.queues.get(queue)?.depth ?? 0,
    committed: (queue) => manager.committed.get(queue) ?? 0,
    uncommitted: () => manager.uncommitted,
    cameBack: () => manager.cameBack,
    fail: (verb, reason, times = Number.POSITIVE_INFINITY) => faults.set(verb, { reason, times }),
    heal: () => faults.clear(),
    dropConnections,
    silence: () => {
      state.silent = true;
    },
    speak: () => {
      state.silent = false;
    },
    unlisten,
    listen: () => listen(port),
    stop: unlisten,
    [Symbol.asyncDispose]: unlisten,
  };
}

/** The id of a message, as event ids have it. */
export const messageIdHex = ({ md }: StandInMessage): string => messageIdOf(md).toString('hex');
export const backoutCountOf = ({ backoutCount }: StandInMessage): number => backoutCount;
export const ccsidOf = ({ md }: StandInMessage): number => readLong(md, 28);
