import { toJsonSchema } from '@valibot/to-json-schema';
import type { JsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { TRACKING_LOG_FIELDS, trackingLogSchema } from '../../../common/tracking-log.ts';
import type { TrackingLogField } from '../../../common/tracking-log.ts';
import { VERSION } from '../../../common/version.ts';
import type { HttpInputConfig } from '../http.ts';

/** What the collector sets whatever a sender says. */
const SET_BY_COLLECTOR: ReadonlySet<string> = new Set(['ingest_time', 'channel', 'input']);
/** Required of a stored log, but not of a sender. */
const FILLED_BY_COLLECTOR: ReadonlySet<string> = new Set(['event_id', ...SET_BY_COLLECTOR]);

/** The endpoint as an OpenAPI 3.1 document; the log's schema is made of the standard log's. https://spec.openapis.org/oas/v3.1.0 */
export function openApiDocument(config: HttpInputConfig) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tranweave collector',
      version: VERSION,
      description: 'Takes the tracking logs that the steps of transactions report.',
    },
    paths: { '/v1/logs': { post: postLogs(config) } },
    components: { schemas: { Log: logSchema(config), Taken: takenSchema, Error: errorSchema } },
  };
}

function postLogs(config: HttpInputConfig) {
  const log = { $ref: '#/components/schemas/Log' };
  return {
    operationId: 'postLogs',
    summary: 'Takes one log or many',
    description: `A JSON object, an array of objects, or NDJSON; UTF-8, at most ${config.logs_max} logs and ${config.body_bytes_max} bytes. Content-Encoding may be gzip, deflate or br.`,
    parameters: [
      {
        name: 'Idempotency-Key',
        in: 'header',
        description:
          'Names the request, so that sending it again under the same key stores nothing twice. Not needed if logs have an event_id.',
        schema: { type: 'string', minLength: 1, maxLength: 256 },
      },
    ],
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: { oneOf: [log, { type: 'array', items: log }] } },
        'application/x-ndjson': {
          schema: { type: 'string', description: 'One log as a JSON object per line.' },
        },
        ...(config.decoder === undefined ? {} : { '*/*': { schema: framedSchema(config) } }),
      },
    },
    responses: {
      200: answer('Redis has the accepted logs, and the rejected ones as dead letters.', 'Taken'),
      400: answer('Not JSON, or no record is a log: nothing was kept, `rejected` says why.', 'Error'),
      413: answer('Too large.', 'Error'),
      415: answer('A Content-Type or Content-Encoding that is not taken.', 'Error'),
      422: answer('The Idempotency-Key was used with another body.', 'Error'),
      500: answer('A fault of the collector.', 'Error'),
      503: {
        ...answer(
          'Can not take it now; send the same again. A part may be stored already: with an Idempotency-Key, or an event_id in each log, sending it again doubles nothing.',
          'Error',
        ),
        headers: { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } },
      },
    },
  };
}

function framedSchema({ framing, decoder, encoding }: HttpInputConfig) {
  return {
    type: 'string',
    description: `Records as the input's config has them: framing ${framing.type}, decoder ${decoder?.type}, encoding ${encoding}.`,
  };
}

function answer(description: string, schema: 'Taken' | 'Error') {
  return {
    description,
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
  };
}

function logSchema(config: HttpInputConfig): JsonSchema {
  if (config.mapping !== undefined) {
    return {
      type: 'object',
      description: 'Any fields: the mapping of this input makes a standard log of them.',
    };
  }
  // Bounds in bytes have no counterpart in JSON Schema, hence `ignore`.
  const { $schema: _, ...schema } = toJsonSchema(trackingLogSchema, {
    target: 'draft-2020-12',
    typeMode: 'input',
    errorMode: 'ignore',
  });
  const properties: Record<string, JsonSchema | boolean> = {};
  for (const field of TRACKING_LOG_FIELDS) {
    const property = schema.properties?.[field];
    // Descriptions that stand after a transformation are not part of the input schema.
    const description = descriptionOf(field);
    properties[field] = {
      ...(typeof property === 'object' ? property : {}),
      ...(description === undefined ? {} : { description }),
      ...(SET_BY_COLLECTOR.has(field) ? { readOnly: true } : {}),
    };
  }
  const required = schema.required?.filter((field) => !FILLED_BY_COLLECTOR.has(field)) ?? [];
  return { ...schema, properties, required };
}

function descriptionOf(field: TrackingLogField): string | undefined {
  const entry = trackingLogSchema.entries[field];
  return v.getDescription('wrapped' in entry ? entry.wrapped : entry);
}

const count = { type: 'integer', minimum: 0 } as const;

const rejectedProperties = {
  rejected_count: { ...count, description: 'Logs that were not taken, and records that give none.' },
  rejected: {
    type: 'array',
    description: 'The first 1000 records that they come from.',
    items: {
      type: 'object',
      required: ['index', 'event_id', 'issues'],
      properties: {
        index: { ...count, description: 'Which record, from 0; blank lines do not count.' },
        event_id: { type: 'string', description: 'The id of its dead letter.' },
        issues: {
          type: 'array',
          items: {
            type: 'object',
            required: ['field', 'reason'],
            properties: { field: { type: 'string' }, reason: { type: 'string' } },
          },
        },
      },
    },
  },
} as const;

const countProperties = {
  accepted: { ...count, description: 'Logs that were taken; a record may give several.' },
  skipped: { ...count, description: "Records, and objects within them, that the input's filter left out." },
  ...rejectedProperties,
} as const;

const takenSchema = {
  type: 'object',
  required: ['accepted', 'skipped', 'rejected_count', 'rejected'],
  properties: countProperties,
} as const;

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: { error: { type: 'string', description: 'What is wrong, in words.' }, ...countProperties },
} as const;
