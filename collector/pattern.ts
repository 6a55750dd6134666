import { createRequire } from 'node:module';
import type * as re2js from 're2js';
import type { RE2JS } from 're2js';
import * as v from 'valibot';

/**
 * Patterns that users write. They are matched in linear time whatever the pattern is (RE2), so that none can hang a collector; the price is that
 * there is no looking ahead or back and no back reference.
 */

/** Loaded with the first pattern: it takes 1.5 MB, and every process reads a config that may have patterns. */
let re2: typeof re2js | undefined;
const require = createRequire(import.meta.url);

/** The pattern, or why it is none. */
export function compilePattern(pattern: string): RE2JS | string {
  re2 ??= require('re2js') as typeof re2js;
  try {
    return re2.RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof re2.RE2JSException) return error.message;
    throw error;
  }
}

export function patternSchema(description: string) {
  return v.pipe(
    v.string('must be a pattern'),
    v.nonEmpty('must not be empty'),
    v.rawCheck(({ dataset, addIssue }) => {
      const compiled = dataset.typed ? compilePattern(dataset.value) : undefined;
      if (typeof compiled === 'string') addIssue({ message: `is not a pattern: ${compiled}` });
    }),
    v.description(description),
  );
}

/** Of a pattern that was checked. */
export function checkedPattern(pattern: string): RE2JS {
  const compiled = compilePattern(pattern);
  if (typeof compiled === 'string') throw new TypeError(`${pattern} is not a pattern: ${compiled}`);
  return compiled;
}
