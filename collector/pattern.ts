import { RE2JS, RE2JSException } from 're2js';
import * as v from 'valibot';

/**
 * Patterns that users write. They are matched in linear time whatever the pattern is (RE2), so that none can hang a collector; the price is that
 * there is no looking ahead or back and no back reference.
 */

/** The pattern, or why it is none. */
export function compilePattern(pattern: string): RE2JS | string {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSException) return error.message;
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
