import type { Component } from '../../common/component.ts';
import type { Charset } from '../charset.ts';

/** Cutting a source's bytes into records, before anything is made of them. */

export interface Frame {
  /**
   * The record without what frames it (line end, length prefix, byte order mark). Valid only while it is given out, since it
   * is a view on buffers that are used again. Of a record that is too long: its first bytes, as many as the longest may have.
   */
  bytes: Buffer;
  /** Where it starts in the source. */
  start: number;
  /** Reading on from here gives the next record. */
  end: number;
  /** Bytes that the record has; more than `bytes` holds if it is too long. */
  length: number;
  /** Why it is no whole record, in words, if the framing can tell: `is not closed before the next document begins`. */
  problem?: string;
}

/** Takes a source's bytes in any chunks, and gives the same records for all of them. */
export interface Framer {
  /** Everything before this offset was given out: a new framer from here on loses and repeats nothing. */
  readonly end: number;
  /** Bytes of the record that has begun and not ended. */
  readonly pending: number;
  /** Whether what has begun is a record as it stands, and waits only because more lines of it may follow. */
  readonly isWhole: boolean;
  /** Takes the next bytes, and gives the records that end in them. Holds of an unfinished record no more than is kept of it. */
  push(chunk: Buffer, emit: (frame: Frame) => void): void;
  /** Gives what has begun as a record although its end is missing. What follows begins a new one. */
  flush(emit: (frame: Frame) => void): void;
}

/** An input's way of framing. */
export interface Framing {
  /** @param offset where in the source the first chunk starts: its beginning, or the `end` of another framer. */
  open(offset: number): Framer;
  /** How long a source must be quiet until a record that is whole as it stands is taken; for framings that know such. */
  readonly flushAfterMs: number;
  /**
   * Whether records are found again behind one that was cut off. If not, one that has begun waits for its end as long as the
   * source can grow.
   */
  readonly findsNext: boolean;
  /** Set if a framer that is opened anywhere in a source finds where the next record begins. */
  readonly findsAnywhere?: true;
}

export interface FramingDeps {
  charset: Charset;
  /** Longest record; of a longer one only so many bytes are kept. */
  recordBytesMax: number;
}

export type FramingComponent<Config> = Component<Config, FramingDeps, Framing> & {
  /** Set if it looks for characters of ASCII as single bytes, which not every encoding has. */
  readonly needsAscii?: true;
};

/** For framings without a word on it: nothing waits but for its end, and records are found again. */
export const USUAL = { flushAfterMs: 0, findsNext: true } as const;
