import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Http2Bindings, HttpBindings } from '@hono/node-server';
import { FatalError } from './errors.ts';

/** A hono app on a port, with a stop that ends. */
export interface HttpServer {
  host: string;
  /** The port it listens on: the one that was asked for, or the one that the system chose for 0. */
  port: number;
  /**
   * Takes no new connections, waits for the requests under way, at most until `force` aborts, and cuts them off then.
   * Safe twice.
   */
  stop(force: AbortSignal): Promise<void>;
}

export interface HttpServerOptions {
  app: { fetch: (request: Request, env: HttpBindings | Http2Bindings) => Response | Promise<Response> };
  host: string;
  port: number;
  /** The config key that sets the port, for the error when it is taken. */
  portKey: string;
  /** Whole request, headers and body; a sender that is slower is cut off. */
  requestTimeoutMs?: number;
  /** Request line and headers together; more is answered 431. */
  headerBytesMax?: number;
}

/** What requests commonly have: Node's own bound, given on purpose. */
export const HEADER_BYTES_MAX = 16 * 1024;

const REQUEST_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** Resolves when it listens. Throws a FatalError that names the port and its config key when it cannot. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const {
    app,
    host,
    port,
    requestTimeoutMs = REQUEST_TIMEOUT_MS,
    headerBytesMax = HEADER_BYTES_MAX,
  } = options;
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      requestTimeout: requestTimeoutMs,
      maxHeaderSize: headerBytesMax,
      headersTimeout: HEADERS_TIMEOUT_MS,
      // Longer than the 60 s of common load balancers, so that it is they who close idle connections.
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
  }) as Server;
  const unused = unusedConnections(server);
  // A connection whose request ends while the server stops would stay open for its next request.
  server.on('request', (_request, response: ServerResponse) => {
    response.once('close', () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    });
  });
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new FatalError(whyNotListening(error, options), { cause: error });
  }
  const address = server.address();
  const bound = address !== null && typeof address === 'object' ? address.port : port;
  return { host, port: bound, stop: (force) => stopServer(server, unused, force) };
}

function whyNotListening(error: unknown, { host, port, portKey }: HttpServerOptions): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') return `port ${port} on ${host} is taken; set another one with \`${portKey}\``;
  if (code === 'EACCES') {
    return `port ${port} on ${host} may not be opened by this user; set one above 1023 with \`${portKey}\``;
  }
  return `cannot listen on ${host}:${port} (\`${portKey}\`)`;
}

/** Connections without a request so far, which for Node are not idle: clients open some in advance. */
function unusedConnections(server: Server): Set<Socket> {
  const unused = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage) => unused.delete(socket));
  return unused;
}

async function stopServer(server: Server, unused: ReadonlySet<Socket>, force: AbortSignal): Promise<void> {
  if (!server.listening) return;
  const cut = () => server.closeAllConnections();
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  for (const socket of unused) socket.destroy();
  if (force.aborted) cut();
  else force.addEventListener('abort', cut, { once: true });
  await closed;
  force.removeEventListener('abort', cut);
}
