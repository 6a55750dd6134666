import * as v from 'valibot';
import { byteSize, port, wholeNumber } from '../../common/config-values.ts';
import { startHttpServer } from '../../common/http-server.ts';
import type { HttpServer } from '../../common/http-server.ts';
import { httpUrl } from '../../common/http-url.ts';
import { createWatchedAppender } from './http/append.ts';
import { createGate } from './http/limits.ts';
import { createReceiver } from './http/receive.ts';
import { httpRoutes, LOGS_PATH } from './http/routes.ts';
import { decoderSchema } from '../decoders/registry.ts';
import { inputEntries } from './input.ts';
import type { Input, InputComponent, InputDeps } from './input.ts';
import { framingFits, recordEntries } from './record-config.ts';

const entries = v.strictObject({
  type: v.literal('http'),
  ...inputEntries,
  decoder: v.exactOptional(
    v.pipe(
      decoderSchema,
      v.description(
        'For bodies that are not called JSON: how their records, cut as `framing` says, become fields. Without it such bodies are answered 415.',
      ),
    ),
  ),
  ...recordEntries,
  host: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.nonEmpty('must not be empty'),
      v.description('Address to listen on; `0.0.0.0` for every network that the machine is in.'),
    ),
    '127.0.0.1',
  ),
  port: v.optional(port('Port to listen on; 0 picks a free one and says which.'), 8080),
  body_bytes_max: v.optional(
    byteSize('Size of a request body, as it is sent and decompressed; a larger one is answered 413.'),
    '16MiB',
  ),
  bodies_bytes_max: v.optional(
    byteSize(
      'Bodies of all requests under way together, decompressed; beyond it senders get 503. At least `body_bytes_max`. Parsed logs take several times as much memory.',
    ),
    '64MiB',
  ),
  logs_max: v.optional(wholeNumber(1, 10_000_000, 'Logs in one request; more are answered 413.'), 50_000),
  requests_max: v.optional(
    wholeNumber(1, 100_000, 'Requests under way at the same time; beyond it senders get 503.'),
    1000,
  ),
});
export type HttpInputConfig = v.InferOutput<typeof entries>;
const config = v.pipe(entries, framingFits());

/**
 * Logs by HTTP. A 200 means that Redis has them; a 503 that the same request is to be sent again after Retry-After
 * seconds. What a sender repeats under the same `event_id`s or Idempotency-Key is stored once.
 */
export const httpInput = {
  type: 'http',
  summary:
    'Takes logs by `POST /v1/logs`: a JSON object, an array of objects, or NDJSON, plain or compressed (gzip, deflate, br); with a `decoder` also bodies of any other content type. It answers 200 when Redis has them, and `GET /v1/openapi.json` describes it. It asks for no credentials: put a proxy that does in front of it before it listens to more than the own machine.',
  example: '- { type: http, name: web, port: 8080 }',
  config,
  create: createHttpInput,
} satisfies InputComponent<HttpInputConfig>;

function createHttpInput(config: HttpInputConfig, deps: InputDeps): Input {
  const { name, force } = deps;
  const gate = createGate(config.requests_max);
  const appender = createWatchedAppender(deps);
  const app = httpRoutes(config, deps, gate, createReceiver(config, deps, gate, appender));
  let starting: Promise<HttpServer> | undefined;
  let stopping: Promise<void> | undefined;
  let address = '';

  async function stopServer(server: HttpServer): Promise<void> {
    await server.stop(force);
    // A request whose sender left is no longer the server's, but may still be on its way to the appender.
    await gate.quiet(force);
    gate.close();
    appender.remove();
  }

  return {
    start: async () => {
      const { host, port } = config;
      starting = startHttpServer({ app, host, port, portKey: `${deps.configKey}.port` });
      const server = await starting;
      address = `${httpUrl(host, server.port)}${LOGS_PATH}`;
    },
    stop: () => {
      // A server that could not be started was told of by start.
      stopping ??= starting?.then(stopServer, () => undefined);
      return stopping ?? Promise.resolve();
    },
    trouble: () => {
      if (stopping !== undefined) return `input ${name} is stopping`;
      return address === '' ? `input ${name} is not listening yet` : appender.trouble();
    },
    address: () => address,
  };
}
