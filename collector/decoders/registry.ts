import type * as v from 'valibot';
import { anyOf, createPart } from '../../common/component.ts';
import { UTF_8 } from '../charset.ts';
import type { Decoder, DecoderDeps } from './decoder.ts';
import { delimitedDecoder } from './delimited.ts';
import { fixedLengthDecoder } from './fixed-length.ts';
import { ibmAceDecoder } from './ibm-ace.ts';
import { jsonDecoder, ndjsonDecoder } from './json.ts';
import { keyValueDecoder } from './key-value.ts';
import { regexDecoder } from './regex.ts';
import { syslogDecoder } from './syslog.ts';
import { textDecoder } from './text.ts';
import { xmlDecoder } from './xml.ts';

/** Every decoder by its `type`. A new one is one file and one line here. */
export const decoders = {
  json: jsonDecoder,
  ndjson: ndjsonDecoder,
  delimited: delimitedDecoder,
  'fixed-length': fixedLengthDecoder,
  'key-value': keyValueDecoder,
  regex: regexDecoder,
  syslog: syslogDecoder,
  text: textDecoder,
  xml: xmlDecoder,
  'ibm-ace': ibmAceDecoder,
};

/** The schema of an entry `decoder:`. */
export const decoderSchema = anyOf(decoders);
/** The config of any decoder. */
export type DecoderConfig = v.InferOutput<typeof decoderSchema>;

export function createDecoder(config: DecoderConfig, charset = UTF_8): Decoder {
  return createPart<DecoderDeps, Decoder>(decoders, config, { charset });
}
