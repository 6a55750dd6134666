import * as v from 'valibot';

/** Settings that the decoder of delimited rows and the framing that cuts them share. */

export function delimiterSchema(description: string) {
  return v.pipe(
    v.string('must be a text'),
    v.minLength(1, 'must have at least one character'),
    v.maxLength(8, 'must have at most 8 characters'),
    v.description(description),
  );
}

export function quoteSchema(description: string) {
  return v.pipe(
    v.string('must be one character'),
    v.length(1, 'must be one character'),
    v.description(description),
  );
}
