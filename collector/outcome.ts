import type { DeadLetter } from '../common/dead-letter.ts';
import type { FieldIssue, TrackingLog } from '../common/tracking-log.ts';
import type { Part } from './record-parts.ts';
import type { RowBytes } from './row-room.ts';

/** A log as its row (common/log-row.ts), and what must be known of it on the way. */
export interface StandardRow extends RowBytes {
  /** The crc32 of its transaction id, which decides about the partition. */
  crc: number;
  interface_id: string;
  ingest_time: string;
  input: string;
}

/** Where a record stood. What it says never identifies it: identical texts are not duplicates. */
export interface RecordOrigin {
  /** From file fingerprint and offset, message id, request and index: the same record always has the same id. */
  event_id: string;
  /** What the input knows beside the record (`path`, `offset`, `msg_id`, …); a mapping can use it as `meta.path`. */
  meta: Record<string, string>;
}

/** How names in meta begin under which stands what a record says itself (folders of MQ's RFH2): as secret as the record is. */
export const META_OF_RECORD = 'rfh2';

/** An event id in two parts, whose text is one behind the other: the records of one source or request share the stem. */
export interface EventId {
  stem: string;
  /** Whole, not negative; undefined if the stem is all of it. */
  number?: number;
}

export function textOfEventId({ stem, number }: EventId): string {
  return number === undefined ? stem : `${stem}${number}`;
}

/** One record as an input cut it out of its source, before anything was made of it. */
export interface RawRecord extends RecordOrigin {
  bytes: Buffer;
  /** The source's first record, for decoders that find a header there; also given with that record itself. */
  header?: Buffer;
  /** Whether this is that first record. */
  first?: boolean;
  /** Of a record that is tried again: the parts of it that are logs already, and are left out. */
  isTaken?: (part: Part) => boolean;
}

/** Decoded fields by name; values are what the format has: texts, numbers, nested objects and arrays. */
export type Fields = Record<string, unknown>;

/**
 * What became of a record. Expected outcomes are values: a decoder, mapping or validation never throws because of
 * its input. One record may give several logs (it reports start and end), or none (`skip`, by a filter).
 */
export type Outcome =
  | { kind: 'log'; log: TrackingLog }
  /** A log too, by the short way: as the row that it will be (standard-line.ts). */
  | { kind: 'row'; row: StandardRow }
  | {
      kind: 'dead_letter';
      dead_letter: DeadLetter;
      /** What is wrong field by field; empty when the record could not be decoded at all. */
      issues: readonly FieldIssue[];
      /** How many parts of its record it is for; 1 if not given. */
      parts?: number;
    }
  | { kind: 'skip' };

/** Made of one input's config: decode → map → mask → validate. Pure but for the clock that stamps ingest_time. */
export interface RecordPipeline {
  /** Whether records must come with the header of their source. */
  readonly usesHeader: boolean;
  /** A record as bytes, through the input's decoder. */
  fromBytes(record: RawRecord): Outcome[];
  /**
   * A record that is JSON, if it is a standard log as it stands and the input takes these by their names. Undefined says nothing: the whole
   * way is to be gone. It is what `fromBytes` tries first, for inputs that make a whole record only when it is needed.
   *
   * @param eventId for a log that has none itself; not kept.
   */
  fromStandardLine(bytes: Buffer, eventId: EventId): Outcome | undefined;
  /**
   * A record that the input's own protocol has decoded already (HTTP: JSON).
   *
   * @param raw the record as bytes; called only if it becomes a dead letter.
   */
  fromFields(fields: Fields, origin: RecordOrigin, raw: () => Buffer): Outcome[];
  /** A dead letter of the input's own making, as it may leave the node: every one goes through here. */
  maskLetter(letter: DeadLetter): DeadLetter;
}
