import { toJsonSchema } from '@valibot/to-json-schema';
import type { JsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { VERSION } from '../common/version.ts';
import { storedLogSchema } from './log-schema.ts';
import { KEYS, listQuery, logsQuery, streamQuery } from './parameters.ts';
import { problemSchema } from './problem.ts';
import { summarySchema } from './summary-schema.ts';

/** The API as an OpenAPI 3.1 document, made of the schemas that check its parameters. https://spec.openapis.org/oas/v3.1.0 */
export function openApiDocument() {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tranweave query API',
      version: VERSION,
      description: 'What became of transactions: one, many, and as it happens.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { apiKey: [] }],
    paths: {
      '/v1/transactions': { get: listOperation() },
      '/v1/transactions/{id}': { get: oneOperation() },
      '/v1/transactions/{id}/logs': { get: logsOperation() },
      '/v1/stream': { get: streamOperation() },
    },
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
      },
      schemas: {
        Transaction: schemaOf(summarySchema),
        TransactionPage: pageSchema('Transaction'),
        Log: schemaOf(storedLogSchema),
        LogPage: pageSchema('Log'),
        Problem: schemaOf(problemSchema),
      },
    },
  };
}

function listOperation() {
  return {
    operationId: 'listTransactions',
    description:
      'Transactions by the newest revision that ClickHouse has, newest first by when their first log was collected. Pages stay in step while rows change: none comes twice.',
    parameters: queryParameters(listQuery),
    responses: {
      200: answer('One page.', 'TransactionPage'),
      ...problems(400, 401, 403, 429, 500, 501, 503),
    },
  };
}

function oneOperation() {
  return {
    operationId: 'getTransaction',
    description:
      'One transaction as it is now: from Redis while it is remembered there, else from ClickHouse; also from ClickHouse where Redis had forgotten it and began it anew for a late log.',
    parameters: [idParameter],
    responses: { 200: answer('The transaction.', 'Transaction'), ...problems(400, 401, 404, 429, 500, 503) },
  };
}

function logsOperation() {
  return {
    operationId: 'listLogs',
    description:
      "A transaction's tracking logs, in the order of their event_time, as far as ClickHouse has them.",
    parameters: [idParameter, ...queryParameters(logsQuery)],
    responses: { 200: answer('One page.', 'LogPage'), ...problems(400, 401, 404, 429, 500, 501, 503) },
  };
}

function streamOperation() {
  return {
    operationId: 'streamTransactions',
    description:
      'Transactions as they change, as server-sent events. `summary`: a transaction. `gap`: something is missing here (`entries` that hold up to 256 summaries each; null where nobody can say), and why. `trouble` and `recovered`: nothing can be read meanwhile. `cut`: you took too little. `end`: the server stops. Every event has an id to come back with.',
    parameters: [
      ...queryParameters(streamQuery),
      {
        name: 'Last-Event-ID',
        in: 'header',
        required: false,
        description: 'The id of the last event that was got: goes on behind it.',
        schema: { type: 'string' } as JsonSchema,
      },
    ],
    responses: {
      200: {
        description: 'A stream that ends only when one of both wants it to.',
        content: { 'text/event-stream': { schema: { type: 'string' } } },
      },
      ...problems(400, 401, 403, 429, 500, 503),
    },
  };
}

const idParameter = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The transaction id, percent-encoded.',
  schema: { type: 'string', minLength: 1 } as JsonSchema,
};

/** Business keys are one parameter of the document whose properties are parameters of the URL: form style, exploded. */
function queryParameters(schema: v.StrictObjectSchema<v.ObjectEntries, undefined>) {
  const { properties = {} } = schemaOf(schema);
  return Object.entries(properties).map(([name, property]) => {
    const { description = '', ...rest } = property as JsonSchema;
    return {
      name,
      in: 'query',
      required: false,
      description,
      ...(name === KEYS || rest.type === 'array' ? { style: 'form', explode: true } : {}),
      schema: rest,
    };
  });
}

function pageSchema(item: string) {
  return {
    type: 'object',
    required: ['items', 'next_cursor'],
    properties: {
      items: { type: 'array', items: { $ref: `#/components/schemas/${item}` } },
      next_cursor: {
        type: ['string', 'null'],
        description: '`cursor` of the next page, all other parameters being the same; null on the last one.',
      },
    },
  };
}

function answer(description: string, schema: string) {
  return {
    description,
    headers: rateLimitHeaders,
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
  };
}

const rateLimitHeaders = {
  'RateLimit-Policy': { description: 'The limit of this key.', schema: { type: 'string' } },
  RateLimit: {
    description: 'What is left of it (r), and in how many seconds all is again (t).',
    schema: { type: 'string' },
  },
};

const retryAfter = { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } };

const PROBLEMS = {
  400: { description: 'A parameter is wrong or not known; `errors` names each.' },
  401: { description: 'The key is missing or not known.' },
  403: { description: 'An interface that this key may not see.' },
  404: { description: 'There is no such transaction, as far as this key may see.' },
  429: { description: 'Too many requests under this key.', headers: { ...retryAfter, ...rateLimitHeaders } },
  500: { description: 'A fault of the API.' },
  501: { description: 'No ClickHouse is configured.' },
  503: { description: 'Redis or ClickHouse cannot answer now; ask again.', headers: retryAfter },
};

function problems(...statuses: (keyof typeof PROBLEMS)[]) {
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return Object.fromEntries(statuses.map((status) => [status, { ...PROBLEMS[status], content }]));
}

function schemaOf(schema: v.GenericSchema): JsonSchema {
  const { $schema: _, ...rest } = toJsonSchema(schema, {
    target: 'draft-2020-12',
    typeMode: 'input',
    // What JSON Schema cannot say is in the descriptions.
    errorMode: 'ignore',
  });
  return rest;
}
