import type { DeadLetter } from '../common/dead-letter.ts';
import type { TrackingLog } from '../common/tracking-log.ts';

/** One record as an input cut it out of its source, before anything was made of it. */
export interface RawRecord {
  bytes: Buffer;
  /** From where the record stood, never from what it says: identical texts are not duplicates. */
  event_id: string;
  /** What the input knows beside the bytes (`path`, `offset`, `msg_id`, …); a mapping can use it as `meta.path`. */
  meta: Record<string, string>;
  /** The source's first record, for decoders that find a header there. */
  header?: Buffer;
}

/**
 * What became of a record. Expected outcomes are values: a decoder, mapping or validation never throws because of
 * its input. One record may give several logs (it reports start and end), or none (`skip`, by a filter).
 */
export type Outcome =
  { kind: 'log'; log: TrackingLog } | { kind: 'dead_letter'; dead_letter: DeadLetter } | { kind: 'skip' };

/** Made of one input's config: decode → map → validate → mask. Pure but for the clock that stamps ingest_time. */
export type RecordPipeline = (record: RawRecord) => Outcome[];
