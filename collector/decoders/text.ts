import * as v from 'valibot';
import { notText } from './decoder.ts';
import type { DecoderComponent } from './decoder.ts';

const config = v.strictObject({
  type: v.literal('text'),
});

/** For records that the mapping takes as they are, or takes apart itself. */
export const textDecoder = {
  type: 'text',
  summary: 'The whole record is one field, `text`.',
  example: 'decoder: { type: text }',
  config,
  create: (_, { charset }) => ({
    decode: ({ bytes }) => {
      const text = charset.decode(bytes);
      return text === undefined ? { error: notText(charset) } : { fields: [{ text }] };
    },
  }),
} satisfies DecoderComponent<v.InferOutput<typeof config>>;
