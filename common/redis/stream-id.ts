/** Ids of stream entries: `<ms since 1970 by Redis' clock>-<sequence>`, growing within a stream whatever the clock does. */

/** Redis' time when the entry was added, ms since 1970. */
export function millisOfId(id: string): number {
  return Number(id.slice(0, id.indexOf('-')));
}

/** Negative, 0 or positive as `a` is before, at or after `b`. */
export function compareIds(a: string, b: string): number {
  const [aMs = '0', aSeq = '0'] = a.split('-');
  const [bMs = '0', bSeq = '0'] = b.split('-');
  const difference = BigInt(aMs) === BigInt(bMs) ? BigInt(aSeq) - BigInt(bSeq) : BigInt(aMs) - BigInt(bMs);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
