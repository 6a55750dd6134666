import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import type { Context } from 'hono';
import type { Clock } from '../common/clock.ts';
import { describeError, FatalError, RetriableError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import { trueOf } from '../common/summary.ts';
import type { Summary } from '../common/summary.ts';
import type { Authenticate, Caller } from './keys.ts';
import type { ApiMetrics } from './metrics.ts';
import { openApiDocument } from './openapi.ts';
import { page } from './page.ts';
import { KEYS, listQuery, logsQuery, noQuery, readQuery, streamQuery } from './parameters.ts';
import { answerProblem, ApiProblem, unavailable } from './problem.ts';
import type { RateLimit } from './rate-limit.ts';
import type { Store } from './store.ts';
import { maySee } from './stream-filter.ts';
import type { TransactionFilter } from './stream-filter.ts';
import { STREAM_HEADERS } from './streams.ts';
import type { Streams } from './streams.ts';

export interface AppDeps {
  authenticate: Authenticate;
  rateLimit: RateLimit;
  /** From Redis, where it is newest, unless it was begun anew there (docs/decisions/008); undefined if Redis does not remember it. Throws a RetriableError while Redis is away. */
  remembered: (id: string) => Promise<Summary | undefined>;
  /** Undefined where no ClickHouse is configured. */
  store: Store | undefined;
  streams: Streams;
  metrics: ApiMetrics;
  clock: Clock;
  logger: Logger;
  /** The process cannot go on. */
  fail: (error: unknown) => void;
}

type Env = {
  Bindings: HttpBindings;
  Variables: { resource: string; limits: Readonly<Record<string, string>> };
};
type Asked = Context<Env>;

/** The resources. Each request: who asks → how often → what is asked → the answer; everything else is a problem (problem.ts). */
export function createApp(deps: AppDeps): Hono<Env> {
  const { store, streams } = deps;
  const app = new Hono<Env>();
  app.use(measured(deps));

  const resource = (path: string, name: string, answer: (c: Asked, caller: Caller) => Promise<Response>) => {
    app.get(path, async (c) => {
      c.set('resource', name);
      const caller = deps.authenticate(c.req.raw.headers);
      c.set('limits', await deps.rateLimit.take(caller));
      return answer(c, caller);
    });
    app.all(path, (c) => answerProblem(c, notAllowed(c.req.method)));
  };

  resource('/v1/transactions', 'transactions', async (c, caller) => {
    const query = readQuery(listQuery, parametersOf(c));
    const filter = filterOf(query, caller);
    return answerJson(c, await stored(store).transactions(filter, query, deps.clock.now(), signalOf(c)));
  });
  resource('/v1/transactions/:id', 'transaction', async (c, caller) => {
    readQuery(noQuery, parametersOf(c));
    return answerJson(c, await find(deps, c, caller));
  });
  resource('/v1/transactions/:id/logs', 'logs', async (c, caller) => {
    const query = readQuery(logsQuery, parametersOf(c));
    const { transaction_id: id } = await find(deps, c, caller);
    return answerJson(c, await stored(store).logs(id, query, signalOf(c)));
  });
  resource('/v1/stream', 'stream', async (c, caller) => {
    const query = readQuery(streamQuery, parametersOf(c));
    // One without a body would never end.
    if (c.req.method === 'HEAD') return c.body(null, 200, STREAM_HEADERS);
    const lastId = c.req.header('last-event-id') ?? query.last_event_id;
    await streams.open(c.env.outgoing, c.get('limits'), caller, filterOf(query, caller), lastId);
    return RESPONSE_ALREADY_SENT;
  });

  const document = openApiDocument();
  app.get('/v1/openapi.json', (c) => c.json(document));
  app.get('/', (c) => c.redirect('/v1'));
  app.get('/v1', (c) => c.html(page(document)));
  app.notFound((c) =>
    answerProblem(
      c,
      new ApiProblem(404, `there is nothing at ${c.req.path}; GET /v1/openapi.json tells what there is`),
    ),
  );
  app.onError((error, c) => answerProblem(c, problemOf(error, deps)));
  return app;
}

function measured({ metrics, clock }: AppDeps) {
  return async (c: Asked, next: () => Promise<void>) => {
    const began = clock.now();
    await next();
    const labels = { resource: (c.get('resource') as string | undefined) ?? 'other' };
    metrics.requests.inc({ ...labels, status: String(c.res.status) });
    metrics.seconds.observe(labels, (clock.now() - began) / 1000);
    for (const [name, value] of Object.entries(
      (c.get('limits') as Record<string, string> | undefined) ?? {},
    )) {
      if (c.res !== RESPONSE_ALREADY_SENT) c.header(name, value);
    }
  };
}

/** What the store may take to say whether it has an earlier beginning: Redis' answer is there, and nearly always it is the true one. */
const EARLIER_MS_MAX = 1_000;

async function find(deps: AppDeps, c: Asked, caller: Caller): Promise<Summary> {
  const id = c.req.param('id') ?? '';
  const remembered = await deps.remembered(id);
  const stored =
    remembered === undefined
      ? await deps.store?.transaction(id, signalOf(c))
      : await storedInTime(deps, id, signalOf(c));
  const found = trueOf(remembered, stored);
  // By the true one: a late log may name another interface.
  if (found !== undefined && maySee(caller, found.interface_id)) return found;
  throw new ApiProblem(404, `there is no transaction ${id}`);
}

/** What the store has; undefined also where it cannot say it now. */
async function storedInTime(
  { store, clock, logger }: AppDeps,
  id: string,
  signal: AbortSignal,
): Promise<Summary | undefined> {
  const over = new AbortController();
  void clock.sleep(EARLIER_MS_MAX, over.signal).then(() => over.abort());
  try {
    return await store?.transaction(id, AbortSignal.any([signal, over.signal]));
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    logger.warn({ error: describeError(error) }, 'a transaction is answered from Redis alone');
    return undefined;
  } finally {
    over.abort();
  }
}

function stored(store: Store | undefined): Store {
  if (store !== undefined) return store;
  throw new ApiProblem(501, 'no ClickHouse is configured here, which this would be answered from');
}

/** Throws a 403 for an interface that the caller may not see. */
function filterOf(
  query: { interface?: string[]; status?: string[]; [KEYS]?: Record<string, string> },
  caller: Caller,
): TransactionFilter {
  const asked = query.interface ?? [];
  const forbidden = asked.filter((interfaceId) => !maySee(caller, interfaceId));
  if (forbidden.length > 0) {
    const reason = `${forbidden.join(', ')} is not among the interfaces of this key`;
    throw new ApiProblem(403, `interface ${reason}`, { errors: [{ parameter: 'interface', reason }] });
  }
  return {
    interfaces: asked.length > 0 ? asked : [...(caller.interfaces ?? [])],
    statuses: query.status ?? [],
    keys: Object.entries(query[KEYS] ?? {}).map(([name, value]) => [name.slice('key.'.length), value]),
  };
}

function parametersOf(c: Asked): URLSearchParams {
  return new URL(c.req.url).searchParams;
}

/** Aborts when whoever asks is gone. */
function signalOf(c: Asked): AbortSignal {
  return c.req.raw.signal;
}

function answerJson(c: Asked, body: object): Response {
  // What is true now is not true for long.
  return c.json(body, 200, { 'Cache-Control': 'no-store' });
}

function notAllowed(method: string): ApiProblem {
  return new ApiProblem(405, `${method} is not allowed here; use GET`, { headers: { Allow: 'GET, HEAD' } });
}

/** What a caller is told about anything that was thrown. Of what nobody expected it hears no details. */
function problemOf(error: Error, { logger, fail }: AppDeps): ApiProblem {
  if (error instanceof ApiProblem) {
    if (error.status === 503) logger.warn({ error: describeError(error) }, 'a request could not be answered');
    return error;
  }
  if (error instanceof FatalError) fail(error);
  if (error instanceof FatalError || error instanceof RetriableError) {
    logger.warn({ error: describeError(error) }, 'a request could not be answered');
    return unavailable('Redis cannot be asked now', error);
  }
  logger.error({ error: describeError(error), stack: error.stack }, 'a request failed');
  return new ApiProblem(500, 'the API failed; its log says why', { cause: error });
}
