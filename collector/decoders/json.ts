import { isUtf8 } from 'node:buffer';
import * as v from 'valibot';
import type { Fields } from '../outcome.ts';
import type { Decoded, DecoderComponent } from './decoder.ts';

const config = v.strictObject({
  type: v.literal('json'),
});

/** A record that is one JSON object (RFC 8259), or an array of objects that each become logs. */
export const jsonDecoder = {
  type: 'json',
  summary:
    'Each record is one JSON object, or an array of objects. Nested values are reached by paths in the mapping (`order.id`).',
  example: 'decoder: { type: json }',
  config,
  create: () => ({ decode: ({ bytes }) => decodeJson(bytes) }),
} satisfies DecoderComponent<v.InferOutput<typeof config>>;

function decodeJson(bytes: Buffer): Decoded {
  // Buffer.toString would replace bad bytes without a word.
  if (!isUtf8(bytes)) return { error: 'is not UTF-8' };
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch (error) {
    // V8 quotes a piece of the record in its message, which is what helps here.
    return { error: `is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const values = Array.isArray(value) ? (value as unknown[]) : [value];
  if (!values.every(isObject)) return { error: 'is JSON, but not an object or an array of objects' };
  return { fields: values };
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
