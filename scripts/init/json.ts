import { recordsOf, shareOf } from './sample.ts';
import type { Sample } from './sample.ts';
import type { Shape } from './shape.ts';

/** Of the records so many must be JSON; the last one of a sample may be cut off. */
const SHARE = 0.9;

/** JSON: an object or an array of them in a line, or over several lines if every record begins at the margin. */
export function guessJson(sample: Sample): Shape | undefined {
  const { lines } = sample;
  if (!/^\s*[{[]/.test(lines[0] ?? '')) return undefined;
  const ofLines = shareOf(lines, holdsObjects);
  if (ofLines >= SHARE) {
    return { decoder: { type: 'json' }, decoderWhy: `${percent(ofLines)} of the lines are JSON objects` };
  }
  const framing = { type: 'multi-line', start: String.raw`^[{\[]` } as const;
  const records = recordsOf(sample, { ...framing, flush_after: 0 });
  if (shareOf(records, holdsObjects) < SHARE) return undefined;
  return {
    framing,
    framingWhy: 'JSON over several lines, of which each record begins at the margin',
    decoder: { type: 'json' },
    decoderWhy: `${percent(shareOf(records, holdsObjects))} of the records are JSON objects`,
  };
}

function holdsObjects(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    const values = Array.isArray(value) ? (value as unknown[]) : [value];
    return values.every((each) => typeof each === 'object' && each !== null && !Array.isArray(each));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return false;
    throw error;
  }
}

const percent = (share: number) => `${Math.floor(share * 100)}%`;
