import type { InputConfig } from '../../collector/inputs/registry.ts';
import type { Clock } from '../../common/clock.ts';
import { checkConfig } from '../../common/config.ts';
import { createTrial } from '../decode/trial.ts';
import { tranweaveConfigSchema } from '../tranweave-config.ts';
import { guessEncoding } from './encoding.ts';
import type { EncodingGuess } from './encoding.ts';
import { inline } from './inline.ts';
import { proposeMapping } from './mapping.ts';
import type { Proposal } from './mapping.ts';
import { profileFields } from './profile.ts';
import { openSample, SAMPLE_BYTES_MAX, wholeLines } from './sample.ts';
import { guessShape } from './shape.ts';
import type { Shape } from './shape.ts';

/** What was guessed of a sample. */
export interface Guess {
  encoding: EncodingGuess;
  shape: Shape;
  /** How many records were decoded, and how many could not be. */
  decoded: number;
  undecoded: number;
  /** Undefined if the records are standard logs as they stand. */
  proposal: Proposal | undefined;
}

const NO_TIME: Clock = { now: () => Date.UTC(2026, 0, 31), sleep: () => Promise.resolve() };

/**
 * Guesses how a file's records are written and what of them is what in the standard log. Pure: the same bytes give the same guess, and
 * any bytes give one.
 *
 * @param bytes the file, or its beginning; more than SAMPLE_BYTES_MAX is not looked at.
 * @param zone of times that do not name one, if it is known.
 */
export function guessInput(bytes: Buffer, zone?: string): Guess {
  const seen = bytes.length > SAMPLE_BYTES_MAX ? wholeLines(bytes.subarray(0, SAMPLE_BYTES_MAX)) : bytes;
  const encoding = guessEncoding(seen);
  const sample = openSample(seen, encoding.encoding);
  const shape = guessShape(sample);
  const trial = createTrial(inputOf(encoding, shape), '/sample', NO_TIME);
  const tried = [...trial.push(seen), ...trial.end()];
  const records = tried.flatMap(({ fields }) => fields);
  const undecoded = tried.filter(({ outcomes }) => outcomes.some(isUndecoded)).length;
  const isStandard =
    records.length > 0 && tried.every(({ outcomes }) => outcomes.every(({ kind }) => kind !== 'dead_letter'));
  return {
    encoding,
    shape,
    decoded: tried.length - undecoded,
    undecoded,
    proposal: isStandard ? undefined : proposeMapping(profileFields(records), shape, zone),
  };
}

function isUndecoded(outcome: { kind: string; dead_letter?: { stage: string } }): boolean {
  return outcome.kind === 'dead_letter' && outcome.dead_letter?.stage !== 'validate';
}

/** The input as the collector would have it, without a mapping. */
function inputOf({ encoding }: EncodingGuess, { framing, decoder }: Shape): InputConfig {
  const input = {
    name: 'sample',
    type: 'file',
    paths: ['/sample'],
    encoding,
    decoder,
    ...(framing === undefined ? {} : { framing }),
  };
  const { config, mistakes } = checkConfig(`inputs: ${inline([input])}`, tranweaveConfigSchema, {});
  const [found] = config?.inputs ?? [];
  if (found === undefined) throw new TypeError(`a guess that is no config: ${JSON.stringify(mistakes)}`);
  return found;
}
