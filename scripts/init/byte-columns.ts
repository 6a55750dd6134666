/** What stands at the same place of many records, byte by byte. */

/** `wide`: half of a letter in the encodings of Asia, or one in those of Europe. */
export type ByteKind = 'digit' | 'letter' | 'wide' | 'blank' | 'other';

export function kindOf(byte: number): ByteKind {
  if (byte >= 0x30 && byte <= 0x39) return 'digit';
  if (byte === 0x20 || byte === 0) return 'blank';
  if (byte >= 0x80) return 'wide';
  if ((byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)) return 'letter';
  return 'other';
}

/** The kinds that are found at each place, as far as the shortest record goes. */
export function kindsByColumn(records: readonly Buffer[]): Set<ByteKind>[] {
  const width = Math.min(...records.map((record) => record.length));
  return Array.from(
    { length: width },
    (_, column) => new Set(records.map((record) => kindOf(record[column] ?? 0))),
  );
}

/** The share of places at which all records have the same kind. */
export function evenness(records: readonly Buffer[]): number {
  const columns = kindsByColumn(records);
  return columns.length === 0 ? 0 : columns.filter((kinds) => kinds.size === 1).length / columns.length;
}
