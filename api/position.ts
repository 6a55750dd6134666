import { PARTITIONS_MAX } from '../common/partition.ts';

/**
 * How far a client has got in every partition's summary stream, and how that is written as the id of a server-sent event.
 *
 *     1;8gx2k1x0.0.5;8gx2k1w9.3.12.2;…
 *
 * `1` is the version of this format; then for each partition, in order and in base 36: milliseconds and sequence of the id of the last
 * entry that was told whole, how many entries the stream had been given up to it, and, if some of the next entry's
 * summaries were told already, how many.
 */
export interface Position {
  /** Id of the last entry that was told whole; `0-0` before the first. */
  id: string;
  /** Its number, counted from the stream's beginning: by it a reader notices what was dropped. */
  ordinal: number;
  /** Rows of the next entry that were told already. */
  rows: number;
}

export const BEGINNING: Position = { id: '0-0', ordinal: 0, rows: 0 };

const VERSION = '1';
const PART = /^[0-9a-z]{1,13}\.[0-9a-z]{1,13}\.[0-9a-z]{1,11}(?:\.[0-9a-z]{1,6})?$/;
const PART_CHARACTERS_MAX = 13 + 1 + 13 + 1 + 11 + 1 + 6;
/** The longest id of the largest deployment: each partition's part has a `;` before it. */
export const ID_CHARACTERS_MAX = VERSION.length + PARTITIONS_MAX * (1 + PART_CHARACTERS_MAX);

export function encodePositions(positions: readonly Position[]): string {
  return [VERSION, ...positions.map(encodePosition)].join(';');
}

function encodePosition({ id, ordinal, rows }: Position): string {
  const [ms = '0', seq = '0'] = id.split('-');
  const parts = [BigInt(ms).toString(36), BigInt(seq).toString(36), ordinal.toString(36)];
  return (rows === 0 ? parts : [...parts, rows.toString(36)]).join('.');
}

/** Undefined for what this release has not written. */
export function decodePositions(text: string): Position[] | undefined {
  const [version, ...parts] = text.split(';');
  if (version !== VERSION || parts.length === 0 || !parts.every((part) => PART.test(part))) return undefined;
  return parts.map(decodePosition);
}

function decodePosition(text: string): Position {
  const [ms = '', seq = '', ordinal = '', rows = '0'] = text.split('.');
  return {
    id: `${fromBase36(ms)}-${fromBase36(seq)}`,
    ordinal: Number.parseInt(ordinal, 36),
    rows: Number.parseInt(rows, 36),
  };
}

/** Exact also beyond 2^53, which parts of an id may be; more than Redis' 64 bits are taken for the most. */
function fromBase36(text: string): bigint {
  let value = 0n;
  for (const digit of text) value = value * 36n + BigInt(Number.parseInt(digit, 36));
  return value < 2n ** 64n ? value : 2n ** 64n - 1n;
}
