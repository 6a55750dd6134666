import { createHash } from 'node:crypto';
import type { SummaryRow } from '../../common/summary-row.ts';
import { microsOf } from '../../common/timestamp.ts';
import { parseDecimal } from './decimal.ts';
import { holds } from './definition.ts';
import type { Definition, Input } from './definition.ts';

/** What a revision of a transaction adds to an insight. */
export interface Contribution {
  /** Start of its window. */
  window: number;
  group: string;
  /** One for each input of the definition. */
  values: readonly Value[];
}

/**
 * Of one input: null where the transaction has none, UNUSABLE where it is no number, else the number in units of 10^-scale or the text;
 * in a list of its own if it was one too many and is counted as that alone.
 */
export type Value = string | null | typeof UNUSABLE | readonly [string];
export const UNUSABLE = 0;

/** What becomes of a revision. */
export type Outcome =
  | { kind: 'counts'; contribution: Contribution }
  /** It does not count, but another revision of the same transaction may. */
  | { kind: 'passes'; window: number | undefined }
  /** None of this insight's transactions. */
  | { kind: 'foreign' };

export function outcomeOf(definition: Definition, row: SummaryRow): Outcome {
  if (!definition.kept.every((condition) => holds(condition, row))) return { kind: 'foreign' };
  const time = row[definition.time];
  const window =
    typeof time === 'string' && time !== '' ? definition.windows(millisOf(time)).start : undefined;
  if (window === undefined || !definition.changing.every((condition) => holds(condition, row)))
    return { kind: 'passes', window };
  return {
    kind: 'counts',
    contribution: {
      window,
      group: groupText(definition.groups.map(({ read }) => read(row))),
      values: definition.inputs.map((input) => valueOf(input, row)),
    },
  };
}

/** ms since 1970 of a canonical time. */
export function millisOf(canonical: string): number {
  return Math.floor(microsOf(canonical) / 1000);
}

/** Longer texts are told apart by their hash: what is kept of a group stays small. */
const TEXT_MAX = 64;

function valueOf({ read, scale }: Input, row: SummaryRow): Value {
  const text = read(row);
  if (text === '') return null;
  if (scale !== undefined) return parseDecimal(text, scale)?.toString() ?? UNUSABLE;
  return text.length <= TEXT_MAX ? text : `sha256 ${createHash('sha256').update(text).digest('base64')}`;
}

/** What all groups beyond the bound are counted as. */
export const OTHERS = '(others)';

/** A group's values as one text, `C-1|Seoul`: fields of the lookup. A | or \ within a value has a \ before it, and so has an @ at the beginning. */
export function groupText(values: readonly string[]): string {
  return values
    .map((value) => (/[\\|]/.test(value) ? value.replaceAll(/[\\|]/g, String.raw`\$&`) : value))
    .join('|')
    .replace(/^@/, String.raw`\@`);
}

/** The values again. */
export function groupValues(text: string): string[] {
  const values = [''];
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '|') values.push('');
    else {
      if (text[at] === '\\') at += 1;
      values[values.length - 1] += text[at] ?? '';
    }
  }
  return values;
}
