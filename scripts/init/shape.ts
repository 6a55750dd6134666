import type { DecoderConfig } from '../../collector/decoders/registry.ts';
import type { FramingConfig } from '../../collector/framing/registry.ts';
import type { Sample } from './sample.ts';
import { guessDelimited } from './delimited.ts';
import { guessFixedLength } from './fixed-length.ts';
import { guessFreeText } from './free-text.ts';
import { guessJson } from './json.ts';
import { guessKeyValue } from './key-value.ts';
import { guessMultiLine } from './multi-line.ts';
import { guessRecordLength } from './record-length.ts';
import { guessSyslog } from './syslog.ts';
import { guessXml } from './xml.ts';

/** How a sample is cut into records, and these into fields. */
export interface Shape {
  /** As in a config; without it records are lines. */
  framing?: Written<FramingConfig>;
  framingWhy?: string;
  decoder: Written<DecoderConfig>;
  decoderWhy: string;
  /** Set if the decoder leaves records without an id on purpose, such as lines in which a program speaks of itself. */
  skipWithout?: string;
}

/** A config as a person writes it: what has a default may be left out. */
export type Written<T extends { type: string }> = { type: T['type'] } & Record<string, unknown>;

/** How records would be cut, or are cut already when a decoder is looked for. */
export interface Cut {
  framing?: Written<FramingConfig>;
  framingWhy?: string;
  /** The records; of ones that have several lines the first line decides. */
  records: string[];
}

/** The first that fits, from formats that can hardly be taken for another to those that always fit. */
export function guessShape(sample: Sample): Shape {
  const own = guessXml(sample) ?? guessJson(sample) ?? guessRecordLength(sample);
  if (own !== undefined) return own;
  const { records, ...cut } = guessMultiLine(sample) ?? { records: sample.lines };
  const shape =
    guessSyslog(records) ??
    guessKeyValue(records) ??
    (cut.framing === undefined ? guessDelimited(sample) : undefined) ??
    guessFreeText(records) ??
    (cut.framing === undefined ? guessFixedLength(sample) : undefined) ??
    plainText();
  return { ...cut, ...shape };
}

function plainText(): Shape {
  return {
    decoder: { type: 'text' },
    decoderWhy:
      'no format was recognised: the whole record is the field `text`. With `type: regex` and `patterns` its parts become fields',
  };
}
