import { isUtf8 } from 'node:buffer';
import { createCharset } from '../../collector/charset.ts';

/** How a sample's text is written. */
export interface EncodingGuess {
  /** As a config names it. */
  encoding: string;
  /** Why, for whoever reads the config. */
  why: string;
}

const MARKS: readonly (EncodingGuess & { mark: Buffer })[] = [
  {
    encoding: 'utf-8',
    why: 'it begins with the byte order mark of UTF-8',
    mark: Buffer.from('efbbbf', 'hex'),
  },
  {
    encoding: 'utf-16le',
    why: 'it begins with the byte order mark of UTF-16LE',
    mark: Buffer.from('fffe', 'hex'),
  },
  {
    encoding: 'utf-16be',
    why: 'it begins with the byte order mark of UTF-16BE',
    mark: Buffer.from('feff', 'hex'),
  },
];
/** Of the letters that are not ASCII, so many must be ones of the language. */
const LANGUAGE_SHARE = 0.5;
const KANA_SHARE = 0.2;

/**
 * Tries what can be told from bytes: marks, zeros at every second place, whether the bytes are UTF-8 at all, and whether what they would
 * say in CP949 or Shift_JIS is Korean or Japanese. Latin-1 is what is left, since in it all bytes are letters.
 */
export function guessEncoding(bytes: Buffer): EncodingGuess {
  const marked = MARKS.find(({ mark }) => bytes.subarray(0, mark.length).equals(mark));
  if (marked !== undefined) return { encoding: marked.encoding, why: marked.why };
  const wide = utf16Without(bytes);
  if (wide !== undefined) return wide;
  if (bytes.every((byte) => byte < 0x80)) return { encoding: 'utf-8', why: 'all of it is ASCII' };
  if (isUtf8(bytes)) return { encoding: 'utf-8', why: 'all of its bytes are UTF-8' };
  // Korean as Shift_JIS is letters of half width, which hardly anybody writes.
  if (
    isMostly(bytes, 'shift_jis', /[\u3041-\u30FE]/g, KANA_SHARE) &&
    isMostly(bytes, 'shift_jis', /[\u3000-\u30FE\u4E00-\u9FFF]/g, 0.8)
  ) {
    return { encoding: 'shift_jis', why: 'its bytes are no UTF-8, and Japanese as Shift_JIS' };
  }
  if (isMostly(bytes, 'cp949', /[\uAC00-\uD7A3\u3131-\u318E]/g)) {
    return { encoding: 'cp949', why: 'its bytes are no UTF-8, and Korean as CP949, which holds EUC-KR' };
  }
  return {
    encoding: 'latin1',
    why: 'its bytes are neither UTF-8 nor CP949; as Latin-1 anything can be read, so look whether the letters are right',
  };
}

/** ASCII in UTF-16 has a zero in every second byte. */
function utf16Without(bytes: Buffer): EncodingGuess | undefined {
  const zeros = [0, 0];
  bytes.forEach((byte, index) => {
    if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1;
  });
  const pairs = bytes.length / 2;
  const [even = 0, odd = 0] = zeros.map((count) => count / pairs);
  if (pairs < 2 || Math.max(even, odd) < 0.4 || Math.min(even, odd) > 0.1) return undefined;
  const encoding = odd > even ? 'utf-16le' : 'utf-16be';
  return { encoding, why: `every second byte of it is zero, as in ${encoding.toUpperCase()}` };
}

function isMostly(bytes: Buffer, encoding: string, letters: RegExp, share = LANGUAGE_SHARE): boolean {
  const text = createCharset(encoding).decode(bytes);
  if (text === undefined) return false;
  const others = text.match(/[^\p{ASCII}]/gu)?.length ?? 0;
  return others > 0 && (text.match(letters)?.length ?? 0) / others >= share;
}
