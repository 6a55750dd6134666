/** How pieces of a record stand in a reason. Masking knows them by it, and takes them out (masking/masking.ts). */

const QUOTED_CHARS_MAX = 64;

/** A piece of a record, as a JSON text: whatever is in it, it ends at its closing quote. Long ones are cut. */
export function quoted(piece: string): string {
  return JSON.stringify(piece.slice(0, QUOTED_CHARS_MAX));
}

/** A name that the config or the record has given. One that is no plain word may as well be a value that stands where a name should. */
export function quotedIfOdd(name: string): string {
  return PLAIN_NAME.test(name) ? name : quoted(name);
}

const PLAIN_NAME = /^[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*$/;

/** A reason without what it quotes. */
export function withoutQuoted(reason: string): string {
  // Where quotes are not in pairs, nobody knows which of them begin something.
  const isPaired = !reason.replaceAll(QUOTED, '').includes('"');
  return reason.replaceAll(isPaired ? QUOTED : /"[^]*/g, '"…"');
}

const QUOTED = /"(?:[^"\\]|\\[^])*"/g;
