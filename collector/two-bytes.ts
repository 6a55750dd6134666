import type { Charset } from './charset.ts';

/** Whether two bytes are one character; the first one is 0x80 or above. */
export type IsPair = (first: number, second: number) => boolean;

const FIRST_MIN = 0x80;
const REPLACEMENT = '\uFFFD';
const NEWLINE = 0x0a;
/** A newline is the second byte of no character, so that it can stand between those that are tried. */
const SECONDS = Array.from({ length: 256 }, (_, second) => second).filter((second) => second !== NEWLINE);

/**
 * Which bytes are one character, for whoever looks for bytes that may be the second one of it: `|` in ASCII is that of ポ in Shift_JIS. As the encoding's own
 * table says it: characters of two bytes only, since in longer ones none but digits look like ASCII (GB18030).
 *
 * @param sought the bytes that are looked for. Undefined if they are the second ones of no character.
 */
export function pairsIn(charset: Charset, sought: readonly number[]): IsPair | undefined {
  if (charset.isUtf8 || !charset.isAsciiBased) return undefined;
  const pairs = new Uint8Array((256 - FIRST_MIN) * 256);
  let areSought = false;
  for (let first = FIRST_MIN; first < 256; first += 1) {
    const isWhole = !charset.show(Buffer.of(first)).includes(REPLACEMENT);
    if (isWhole) continue;
    const tried = charset
      .show(Buffer.from(SECONDS.flatMap((second) => [first, second, NEWLINE])))
      .split('\n');
    SECONDS.forEach((second, index) => {
      if (tried[index]?.includes(REPLACEMENT) !== false) return;
      pairs[placeOf(first, second)] = 1;
      areSought ||= sought.includes(second);
    });
  }
  return areSought ? (first, second) => pairs[placeOf(first, second)] === 1 : undefined;
}

function placeOf(first: number, second: number): number {
  return (first - FIRST_MIN) * 256 + second;
}
