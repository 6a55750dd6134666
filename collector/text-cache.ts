import { ownCopy } from './own-copy.ts';

/** Makes texts of bytes that are mostly the same few ones, as names of interfaces are. */
export function createTextCache(): (bytes: Buffer, from: number, to: number) => string {
  const known: { bytes: Uint8Array; text: string }[] = [];
  return (bytes, from, to) => {
    const place = ((to - from) * 31 + (bytes[from] ?? 0) * 7 + (bytes[to - 1] ?? 0)) % TEXTS_KEPT;
    const there = known[place];
    if (there !== undefined && areSame(there.bytes, 0, there.bytes.length, bytes, from, to))
      return there.text;
    const text = bytes.toString('utf8', from, to);
    known[place] = { bytes: ownCopy(bytes.subarray(from, to)), text };
    return text;
  };
}

const TEXTS_KEPT = 256;

/** Whether two buffers hold the same bytes, each from a place up to another. */
export function areSame(
  a: Uint8Array,
  aFrom: number,
  aTo: number,
  b: Uint8Array,
  bFrom: number,
  bTo: number,
): boolean {
  if (aTo - aFrom !== bTo - bFrom) return false;
  for (let i = aTo - aFrom - 1; i >= 0; i -= 1) if (a[aFrom + i] !== b[bFrom + i]) return false;
  return true;
}
