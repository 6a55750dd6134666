import * as v from 'valibot';
import type { Charset } from '../charset.ts';
import { parseExactJson, TooManyObjectsError } from '../exact-json.ts';
import { describeJsonFault } from '../json-text.ts';
import type { Fields } from '../outcome.ts';
import { notText } from './decoder.ts';
import type { Decoded, DecoderComponent, DecoderDeps } from './decoder.ts';

const config = v.strictObject({
  type: v.literal('json'),
});
const ndjsonConfig = v.strictObject({
  type: v.literal('ndjson'),
});

const create = (_: unknown, { charset }: DecoderDeps) => ({
  decode: ({ bytes }: { bytes: Buffer }) => decodeJson(bytes, charset),
});

/** A record that is one JSON object (RFC 8259), or an array of objects that each become logs. */
export const jsonDecoder = {
  type: 'json',
  summary:
    'Each record is one JSON object, or an array of objects. Nested values are reached by paths in the mapping (`order.id`). Numbers from 2^53 on are kept as the text that stands there, since they would lose digits.',
  example: 'decoder: { type: json }',
  config,
  create,
} satisfies DecoderComponent<v.InferOutput<typeof config>>;

/** The same by its other name: what makes it NDJSON is that records end with newlines, and the framing says so. */
export const ndjsonDecoder = {
  type: 'ndjson',
  summary: 'Another name of `json`.',
  example: 'decoder: { type: ndjson }',
  config: ndjsonConfig,
  create,
} satisfies DecoderComponent<v.InferOutput<typeof ndjsonConfig>>;

function decodeJson(bytes: Buffer, charset: Charset): Decoded {
  const text = charset.decode(bytes);
  if (text === undefined) return { error: notText(charset) };
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch (error) {
    if (error instanceof TooManyObjectsError) return { error: error.message };
    // In words of our own: V8 quotes a piece of the record in its message, cut anywhere, which no mask would know.
    return { error: `is not JSON: ${describeJsonFault(text)}` };
  }
  const values = Array.isArray(value) ? (value as unknown[]) : [value];
  if (!values.every(isObject)) return { error: 'is JSON, but not an object or an array of objects' };
  return { fields: values };
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
