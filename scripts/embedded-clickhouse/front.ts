import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { FatalError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { clickHouseError, toHttpError } from './clickhouse-error.ts';
import type { HttpError } from './clickhouse-error.ts';
import { openEngine } from './engine.ts';
import type { Engine } from './engine.ts';
import { headerOf, readRequest, RequestError } from './request.ts';
import { resetSession, runQuery } from './run-query.ts';
import { PoolFullError } from './session-pool.ts';

export interface FrontOptions {
  host: string;
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

/**
 * Serves the embedded ClickHouse on as much of ClickHouse's HTTP interface as @clickhouse/client, curl and SQL tools use. node:http
 * and not Hono, since rows pass through as raw streams both ways and nothing is routed. Throws a FatalError when the port is taken, the
 * folder is in use, or the address needs a password that is not set.
 */
export async function startEmbeddedClickHouse(options: FrontOptions): Promise<EmbeddedClickHouse> {
  if (options.password === undefined && !isLoopback(options.host)) {
    throw new FatalError(
      `ClickHouse is not served on ${options.host} without a password: anybody could change the tables`,
    );
  }
  const engine = await openEngine(options.dataDir);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    handle(engine, options, request, response).catch((error: unknown) => {
      options.logger.warn(
        { error: error instanceof Error ? error.message : String(error) },
        'query failed while it was answered',
      );
      response.destroy();
    });
  });
  server.listen(options.port, options.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    engine.close();
    throw new FatalError(`port ${options.port} for ClickHouse cannot be opened`, { cause: error });
  }
  const { port } = server.address() as AddressInfo;
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
    engine.close();
  };
  return { url: `http://${options.host}:${port}`, port, stop: () => (stopped ??= stop()) };
}

function isLoopback(address: string): boolean {
  return /^(127\.|::1$|::ffff:127\.|localhost$)/.test(address);
}

async function handle(
  engine: Engine,
  options: FrontOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '/').split('?')[0];
  response.setHeader('X-ClickHouse-Timezone', engine.timezone);
  response.setHeader('X-ClickHouse-Server-Display-Name', 'tranweave');
  if (path === '/ping' || path === '/replicas_status') return sendText(response, 200, 'Ok.\n');
  if (path === '/' && request.method === 'GET' && !(request.url ?? '').includes('query='))
    return sendText(response, 200, 'Ok.\n');
  if (path !== '/' && path !== '/query') return sendText(response, 404, `There is no handle ${path}\n`);
  try {
    authenticate(options.password, request);
    await answer(engine, request, response);
  } catch (error) {
    if (response.headersSent) throw error;
    sendError(response, errorOf(error));
  }
}

function errorOf(error: unknown): HttpError {
  if (error instanceof RequestError) return error.answer;
  if (error instanceof PoolFullError) {
    return clickHouseError(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', 'Too many simultaneous queries', 503);
  }
  return toHttpError(error);
}

async function answer(engine: Engine, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const query = await readRequest(request);
  if (query.sql.trim() === '') throw new RequestError(clickHouseError(62, 'SYNTAX_ERROR', 'Empty query'));
  // GET must not change anything, and neither may anybody from another machine.
  const readonly = request.method === 'GET' || !isLoopback(request.socket.remoteAddress ?? '');
  await (readonly ? engine.readers : engine.writers).use(async (session) => {
    try {
      const result = await runQuery(session, query);
      response.statusCode = 200;
      response.setHeader('X-ClickHouse-Query-Id', query.queryId ?? randomUUID());
      response.setHeader('X-ClickHouse-Summary', summaryHeader(result.summary));
      if (result.format !== '') response.setHeader('X-ClickHouse-Format', result.format);
      response.setHeader('Content-Type', contentTypeOf(result.format));
      await send(response, result.chunks, query.compressAnswer);
    } finally {
      resetSession(session, query);
    }
  });
}

/** At the pace of the reader; when it goes away, the query is cancelled. */
async function send(
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array>,
  compress: boolean,
): Promise<void> {
  const source = Readable.from(chunks, { objectMode: false });
  try {
    if (compress) {
      response.setHeader('Content-Encoding', 'gzip');
      await pipeline(source, createGzip({ level: 1 }), response);
    } else {
      await pipeline(source, response);
    }
  } catch (error) {
    if (!isPrematureClose(error)) throw error;
  }
}

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

function summaryHeader(summary: { rowsWritten: number; rowsRead: number; bytesRead: number }): string {
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

/** By Basic authentication, ClickHouse's headers or the URL, as ClickHouse takes them. */
function authenticate(password: string | undefined, request: IncomingMessage): void {
  if (password === undefined) return;
  const url = new URL(request.url ?? '/', 'http://localhost');
  const basic = /^Basic (.+)$/.exec(headerOf(request, 'authorization') ?? '')?.[1];
  const fromBasic =
    basic === undefined
      ? undefined
      : Buffer.from(basic, 'base64')
          .toString()
          .replace(/^[^:]*:/, '');
  const given = fromBasic ?? headerOf(request, 'x-clickhouse-key') ?? url.searchParams.get('password') ?? '';
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (timingSafeEqual(digest(given), digest(password))) return;
  throw new RequestError(
    clickHouseError(516, 'AUTHENTICATION_FAILED', 'default: Authentication failed: password is incorrect'),
  );
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=UTF-8' }).end(text);
}

function sendError(response: ServerResponse, error: HttpError): void {
  response.setHeader('X-ClickHouse-Exception-Code', String(error.code));
  sendText(response, error.status, `${error.text}\n`);
}
