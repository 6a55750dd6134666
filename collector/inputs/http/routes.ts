import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { BackPressureError, describeError, FatalError, RetriableError } from '../../../common/errors.ts';
import { openApiDocument } from './openapi.ts';
import type { Gate } from './limits.ts';
import type { Receive } from './receive.ts';
import { HttpRefusal, redisCannot } from './refusal.ts';
import type { HttpInputConfig } from '../http.ts';
import type { InputDeps } from '../input.ts';

/** The path that logs are sent to. */
export const LOGS_PATH = '/v1/logs';
const OPENAPI_PATH = '/v1/openapi.json';
const ALLOWED: Readonly<Record<string, string>> = { [LOGS_PATH]: 'POST', [OPENAPI_PATH]: 'GET, HEAD' };

/** The input's routes. Every error is answered in JSON: `{ "error": "…" }`. */
export function httpRoutes(
  config: HttpInputConfig,
  { name, logger, metrics, fail }: Pick<InputDeps, 'name' | 'logger' | 'metrics' | 'fail'>,
  gate: Gate,
  receive: Receive,
): Hono {
  const app = new Hono();
  app.post(LOGS_PATH, (c) =>
    gate.pass(async () => {
      const { status, body } = await receive((c.env as HttpBindings).incoming);
      return c.json(body, status);
    }),
  );
  app.get(OPENAPI_PATH, (c) => c.json(openApiDocument(config)));
  // Here and not as routes for all methods: a request that two routes match costs a tenth more than what only one does.
  app.notFound((c) => {
    const allow = ALLOWED[c.req.path];
    return allow === undefined
      ? c.json({ error: `there is nothing at ${c.req.path}; logs go to POST ${LOGS_PATH}` }, 404)
      : notAllowed(c, allow);
  });
  app.onError((error, c) => {
    const refusal = refusalOf(error);
    if (refusal.status === 503) metrics.backPressure.inc({ input: name });
    if (error instanceof FatalError) fail(error);
    if (refusal.status === 500)
      logger.error({ error: describeError(error), stack: error.stack }, 'a request failed');
    return c.json({ error: refusal.message }, refusal.status, { ...refusal.headers });
  });
  return app;
}

function notAllowed(c: Context, allow: string): Response {
  return c.json({ error: `${c.req.method} is not allowed here; use ${allow}` }, 405, { Allow: allow });
}

/** What a sender is told about anything that was thrown. Of what nobody expected it hears no details. */
function refusalOf(error: Error): HttpRefusal {
  if (error instanceof HttpRefusal) return error;
  if (error instanceof BackPressureError) {
    return redisCannot('the collector can not take more now; send the same again later', error);
  }
  // After a fatal error this process ends; the one that is started in its place keeps them.
  if (error instanceof RetriableError || error instanceof FatalError) {
    return redisCannot('the collector can not keep logs now; send the same again later', error);
  }
  return new HttpRefusal(500, 'the collector failed; its log says why', { cause: error });
}
