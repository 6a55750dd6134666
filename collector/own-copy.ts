/** A copy that is held for long, in memory of its own: a small one that Buffer.from makes keeps the eight kilobytes around it. */
export function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
