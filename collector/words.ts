/**
 * Bytes by fours: a DataView reads four of them as one number, wherever they stand, at the cost of one. Nearly all of a record's bytes are only
 * passed over, compared or copied.
 */

/** The high bit of each byte: set in those that are not ASCII. */
export const HIGH_BITS = 0x80808080 | 0;
const [ONES, QUOTES, BACKSLASHES, SPACES] = [0x01010101, 0x22222222, 0x5c5c5c5c, 0x20202020] as const;

/** Whether none of four bytes is a quote, a backslash or a control character. */
export function isPlainText(four: number): boolean {
  // What is subtracted borrows from a byte's high bit if the byte is too small: x - 1 only if x is 0.
  const quote = four ^ QUOTES;
  const backslash = four ^ BACKSLASHES;
  const found = ((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash) | ((four - SPACES) & ~four);
  return (found & HIGH_BITS) === 0;
}

/** A view of these bytes and no others. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function wordOf(text: string): DataView {
  return viewOf(Buffer.from(text));
}

/** Whether the bytes from a place on are a word's. The caller sees to it that there are as many. */
export function standsAt(bytes: DataView, at: number, word: DataView): boolean {
  const length = word.byteLength;
  let i = 0;
  for (; i + 4 <= length; i += 4) if (bytes.getInt32(at + i, true) !== word.getInt32(i, true)) return false;
  for (; i < length; i += 1) if (bytes.getUint8(at + i) !== word.getUint8(i)) return false;
  return true;
}

/** From so many on a call of the system's costs less. */
const MANY = 128;

/** Copies bytes from one place up to another, to a place in others. Gives the place behind them. */
export function copyBytes(from: DataView, start: number, end: number, to: DataView, place: number): number {
  const length = end - start;
  if (length >= MANY) {
    const target = new Uint8Array(to.buffer, to.byteOffset + place, length);
    target.set(new Uint8Array(from.buffer, from.byteOffset + start, length));
    return place + length;
  }
  let i = 0;
  for (; i + 4 <= length; i += 4) to.setInt32(place + i, from.getInt32(start + i, true), true);
  for (; i < length; i += 1) to.setUint8(place + i, from.getUint8(start + i));
  return place + length;
}
