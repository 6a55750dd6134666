import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FatalError } from '../../common/errors.ts';
import { httpUrl } from '../../common/http-url.ts';
import type { Logger } from '../../common/logger.ts';
import { addressesOf, allowedSettings, authenticate, checkAddresses, rightsOf } from './access.ts';
import type { Answer } from './answer.ts';
import { BODY_BYTES_MAX, createBodies } from './body.ts';
import type { Bodies } from './body.ts';
import { clickHouseError, toHttpError } from './clickhouse-error.ts';
import type { HttpError } from './clickhouse-error.ts';
import { openEngine } from './engine.ts';
import type { Engine } from './engine.ts';
import { GateFullError } from './gate.ts';
import { readRequest, RequestError } from './request.ts';
import { runQuery } from './run-query.ts';
import { send } from './send.ts';

export interface FrontOptions {
  host: string;
  /** Another address to listen on, for readers from other machines. */
  hostBesides?: string | undefined;
  /** 0 takes a free port. */
  port: number;
  dataDir: string;
  /** Without one, only loopback is served. */
  password?: string | undefined;
  logger: Logger;
}

export interface EmbeddedClickHouse {
  url: string;
  port: number;
  /** Ends open queries, closes the engine. Safe twice. */
  stop(): Promise<void>;
}

/** A connection that stays open without a request is closed after this long; clients keep theirs shorter. */
const KEEP_ALIVE_MS = 30_000;
/** What runs is waited for so long before the engine is told to close. */
const STOP_MS_MAX = 5_000;
/** From other machines come questions only. */
const QUESTION_BYTES_MAX = 1024 * 1024;

interface Front {
  engine: Engine;
  bodies: Bodies;
  password: string | undefined;
}

/**
 * Serves the embedded ClickHouse on as much of ClickHouse's HTTP interface as @clickhouse/client, curl and SQL tools use. node:http
 * and not Hono, since rows pass through as raw streams both ways and nothing is routed. Throws a FatalError when the port is taken, the
 * folder is in use, or the address needs a password that is not set.
 */
export async function startEmbeddedClickHouse(options: FrontOptions): Promise<EmbeddedClickHouse> {
  const { logger, password } = options;
  const addresses = addressesOf(options.host, options.hostBesides);
  checkAddresses(addresses, password);
  const engine = await openEngine(options.dataDir);
  const front: Front = { engine, bodies: createBodies(), password };
  const open = new Set<Promise<void>>();
  const listener: RequestListener = (request, response) => {
    const work = handle(front, request, response).catch((error: unknown) => {
      logger.warn(
        { error: error instanceof Error ? error.message : String(error) },
        'query failed while it was answered',
      );
      response.destroy();
    });
    open.add(work);
    void work.then(() => open.delete(work));
  };
  const servers: Server[] = [];
  let { port } = options;
  try {
    for (const address of addresses) {
      const server = await listen(listener, address, port);
      servers.push(server);
      ({ port } = server.address() as AddressInfo);
    }
  } catch (error) {
    await Promise.all(servers.map(closed));
    engine.close();
    throw new FatalError(`port ${port} for ClickHouse cannot be opened`, { cause: error });
  }
  const stop = async () => {
    await Promise.all(servers.map(closed));
    // Whoever asked is gone, so queries end; a change may take its time, and the engine then closes after it.
    await Promise.race([Promise.all(open), delay(STOP_MS_MAX, undefined, { ref: false })]);
    engine.close();
  };
  let stopped: Promise<void> | undefined;
  return { url: httpUrl(options.host, port), port, stop: () => (stopped ??= stop()) };
}

async function listen(listener: RequestListener, address: string, port: number): Promise<Server> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, listener);
  server.listen(port, address);
  await once(server, 'listening');
  return server;
}

async function closed(server: Server): Promise<void> {
  const ended = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await ended;
}

async function handle(front: Front, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0];
  response.setHeader('X-ClickHouse-Timezone', front.engine.timezone);
  response.setHeader('X-ClickHouse-Server-Display-Name', 'tranweave');
  if (path === '/ping' || path === '/replicas_status') return sendText(response, 200, 'Ok.\n');
  if (path === '/' && request.method === 'GET' && !(request.url ?? '').includes('query='))
    return sendText(response, 200, 'Ok.\n');
  if (path !== '/' && path !== '/query') return sendText(response, 404, `There is no handle ${path}\n`);
  const signal = goneSignal(response);
  try {
    authenticate(front.password, request);
    await answer(front, request, response, signal);
  } catch (error) {
    // Nobody is there to be told.
    if (signal.aborted || request.errored) return;
    if (response.headersSent) throw error;
    // What is left of a body that was refused goes nowhere, and the connection is free for the next request.
    request.resume();
    sendError(response, errorOf(error));
  }
}

/** Aborts when the client goes away before it has its answer. */
function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
}

function errorOf(error: unknown): HttpError {
  if (error instanceof RequestError) return error.answer;
  if (error instanceof GateFullError) {
    return clickHouseError(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', 'Too many simultaneous queries', 503);
  }
  return toHttpError(error);
}

async function answer(
  { engine, bodies }: Front,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const rights = rightsOf(request.socket.remoteAddress, request.method);
  const bytesMax = rights === 'read' ? QUESTION_BYTES_MAX : BODY_BYTES_MAX;
  await bodies.use(request, bytesMax, async (body) => {
    const asked = readRequest(request, body);
    const query = { ...asked, settings: allowedSettings(asked.settings, rights) };
    if (query.sql.trim() === '') throw new RequestError(clickHouseError(62, 'SYNTAX_ERROR', 'Empty query'));
    await runQuery(engine, query, rights, signal, async (result) => {
      response.setHeader('X-ClickHouse-Query-Id', query.queryId ?? randomUUID());
      setHeaders(response, result);
      await send(response, result.chunks, query.compressAnswer, signal);
    });
  });
}

function setHeaders(response: ServerResponse, { format, summary }: Answer): void {
  response.statusCode = 200;
  response.setHeader('X-ClickHouse-Summary', summaryHeader(summary));
  if (format !== '') response.setHeader('X-ClickHouse-Format', format);
  response.setHeader('Content-Type', contentTypeOf(format));
}

function summaryHeader(summary: Answer['summary']): string {
  return JSON.stringify({
    read_rows: String(summary.rowsRead),
    read_bytes: String(summary.bytesRead),
    written_rows: String(summary.rowsWritten),
    written_bytes: '0',
    total_rows_to_read: '0',
    result_rows: '0',
    result_bytes: '0',
    elapsed_ns: '0',
  });
}

function contentTypeOf(format: string): string {
  if (/EachRow$|^JSONLines$|^NDJSON$/.test(format)) return 'application/x-ndjson; charset=UTF-8';
  if (format.startsWith('JSON')) return 'application/json; charset=UTF-8';
  if (format.startsWith('CSV')) return 'text/csv; charset=UTF-8; header=absent';
  return format === 'RowBinary' ? 'application/octet-stream' : 'text/tab-separated-values; charset=UTF-8';
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=UTF-8' }).end(text);
}

function sendError(response: ServerResponse, error: HttpError): void {
  response.setHeader('X-ClickHouse-Exception-Code', String(error.code));
  sendText(response, error.status, `${error.text}\n`);
}
