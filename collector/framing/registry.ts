import type * as v from 'valibot';
import { anyOf, createPart } from '../../common/component.ts';
import { crlfFraming } from './crlf.ts';
import { csvFraming } from './csv.ts';
import { fixedLengthFraming } from './fixed-length.ts';
import type { Framing, FramingDeps } from './framer.ts';
import { lengthPrefixedFraming } from './length-prefixed.ts';
import { multiLineFraming } from './multi-line.ts';
import { newlineFraming } from './newline.ts';
import { xmlFraming } from './xml.ts';

/** Every framing by its `type`. A new one is one file and one line here. */
export const framings = {
  newline: newlineFraming,
  crlf: crlfFraming,
  csv: csvFraming,
  'multi-line': multiLineFraming,
  'fixed-length': fixedLengthFraming,
  'length-prefixed': lengthPrefixedFraming,
  xml: xmlFraming,
};

/** The schema of an entry `framing:`. */
export const framingSchema = anyOf(framings);
/** The config of any framing. */
export type FramingConfig = v.InferOutput<typeof framingSchema>;

export function createFraming(config: FramingConfig, deps: FramingDeps): Framing {
  return createPart<FramingDeps, Framing>(framings, config, deps);
}
