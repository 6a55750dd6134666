import { ForeignDataError } from '../../common/errors.ts';
import { labelsFrom } from './count.ts';
import type { Bucket, Cleared, Count, CountKind, Detail, LabelValues } from './count.ts';

/**
 * A bucket as a hash: field → number. A field is the letter of the kind, the bin (of histograms) and the labels' values as JSON: `f["shop-order","hub","","E42"]`,
 * `h131["shop-order"]`. `!` before such a field holds its detail, `@` the time of the last; `x<bucket>:` before it holds how many of
 * those that were counted in that bucket were cleared.
 */

const LETTERS: Readonly<Record<CountKind, string>> = {
  came: 'c',
  completed: 'o',
  failed: 'f',
  timed_out: 't',
  slow: 's',
  duration: 'h',
  queue: 'q',
  dead_letter: 'l',
};
const KINDS = new Map(Object.entries(LETTERS).map(([kind, letter]) => [letter, kind as CountKind]));

/** Labels come from logs; longer ones are cut. */
const LABEL_LENGTH_MAX = 200;

export function fieldOf(kind: CountKind, values: LabelValues, bin?: number): string {
  const cut = values.map((value) =>
    value.length > LABEL_LENGTH_MAX ? value.slice(0, LABEL_LENGTH_MAX) : value,
  );
  return `${LETTERS[kind]}${bin ?? ''}${JSON.stringify(cut)}`;
}

const FIELD = /^([a-w])(\d*)(\[.*)$/s;
const CLEARED = /^x(\d+):([a-w])(\[.*)$/s;

/** @param hashes of every partition: field, value, field, value, … Throws a ForeignDataError at what is none of ours. */
export function decodeBucket(at: number, hashes: readonly (readonly string[])[]): Bucket {
  const counts: Count[] = [];
  const cleared: Cleared[] = [];
  for (const hash of hashes) {
    const fields = new Map<string, string>();
    for (let i = 0; i + 1 < hash.length; i += 2) fields.set(hash[i] ?? '', hash[i + 1] ?? '');
    for (const [field, value] of fields) {
      if (field.startsWith('!') || field.startsWith('@')) continue;
      const off = CLEARED.exec(field);
      if (off === null) counts.push(countOf(field, value, fields));
      else cleared.push(clearedOf(off, value));
    }
  }
  return { at, counts, cleared };
}

function countOf(field: string, value: string, fields: ReadonlyMap<string, string>): Count {
  const [, letter = '', bin = '', labels = ''] = FIELD.exec(field) ?? [];
  const kind = KINDS.get(letter);
  if (kind === undefined)
    throw new ForeignDataError(`a bucket of alerts holds a field that is not ours: ${field}`);
  const detail = fields.get(`!${field}`);
  const last = fields.get(`@${field}`);
  return {
    kind,
    labels: labelsFrom(kind, parse(labels) as LabelValues),
    bin: Number(bin),
    n: Number(value),
    ...(detail === undefined ? {} : { detail: parse(detail) as Detail }),
    ...(last === undefined ? {} : { last_at: Number(last) }),
  };
}

function clearedOf([, bucket, letter, labels = '']: RegExpExecArray, value: string): Cleared {
  const kind = letter === 't' ? 'timed_out' : 'failed';
  return {
    kind,
    labels: labelsFrom(kind, parse(labels) as LabelValues),
    bucket: Number(bucket),
    n: Number(value),
  };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new ForeignDataError('a bucket of alerts holds what is not ours', { cause: error });
  }
}
