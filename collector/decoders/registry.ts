import type * as v from 'valibot';
import { anyOf, createPart } from '../../common/component.ts';
import type { Decoder } from './decoder.ts';
import { delimitedDecoder } from './delimited.ts';
import { jsonDecoder } from './json.ts';

/** Every decoder by its `type`. A new one is one file and one line here. */
export const decoders = {
  json: jsonDecoder,
  delimited: delimitedDecoder,
};

/** The schema of an entry `decoder:`. */
export const decoderSchema = anyOf(decoders);
/** The config of any decoder. */
export type DecoderConfig = v.InferOutput<typeof decoderSchema>;

export function createDecoder(config: DecoderConfig): Decoder {
  return createPart<undefined, Decoder>(decoders, config, undefined);
}
