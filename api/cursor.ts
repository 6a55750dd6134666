import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { badParameters } from './problem.ts';

/**
 * Where the next page begins, opaque to callers. It holds the sort key of the last row, what the first page took for granted (bounds of
 * time that were not given), and a digest of the other parameters, so that it cannot be used with others.
 */
export interface CursorKind<Place> {
  encode(place: Place, question: unknown): string;
  /** Throws a 400 for what is no cursor of this resource and question. */
  decode(text: string, question: unknown): Place;
}

export function cursorOf<Place>(
  resource: string,
  schema: v.GenericSchema<unknown, Place>,
): CursorKind<Place> {
  const whole = v.strictObject({ q: v.string(), at: schema });
  const digest = (question: unknown) =>
    createHash('sha256')
      .update(JSON.stringify([resource, question]))
      .digest('base64url')
      .slice(0, 16);
  const refuse = (reason: string) => badParameters([{ parameter: 'cursor', reason }]);
  return {
    encode: (at, question) => Buffer.from(JSON.stringify({ q: digest(question), at })).toString('base64url'),
    decode: (text, question) => {
      const result = v.safeParse(whole, parse(text));
      if (!result.success) throw refuse('is no `next_cursor` of this resource');
      if (result.output.q !== digest(question)) {
        throw refuse('belongs to other parameters: give the same as for the page before');
      }
      return result.output.at;
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
