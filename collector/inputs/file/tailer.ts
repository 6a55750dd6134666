import type { FileHandle } from 'node:fs/promises';
import type { PositionedOutcome, SourceAppender } from '../../append.ts';
import type { Frame, Framer, Framing } from '../../framing/framer.ts';
import { SourceFellBackError } from '../../source-fell-back.ts';
import type { Batch, Fate, PatientRedis } from './append.ts';
import type { Source, SourceBook } from './book.ts';
import type { FoundFile } from './discovery.ts';
import { isFile, MARKER_BYTES_MAX, readAt, readFirstRecord } from './reading.ts';
import { HEAD_BYTES_MAX, isTelling } from './identity.ts';
import { createRecordMaker } from './records.ts';
import type { RecordMaker, RecordMakerDeps } from './records.ts';
import type { InputDeps } from '../input.ts';

/** What a turn of reading came to. */
export type Step =
  /** There may be more to read at once. */
  | { kind: 'more'; batch: Batch | undefined }
  /** Read to its end, for now. */
  | { kind: 'waiting'; batch: Batch | undefined }
  /** The content was truncated or replaced. */
  | { kind: 'ended' }
  /** What the last scan said of the file does not hold any more. */
  | { kind: 'moved' };

export interface TailerDeps extends Pick<InputDeps, 'appender' | 'logger'>, RecordMakerDeps, TailerSettings {
  book: SourceBook;
  patient: PatientRedis;
  readonly open: (path: string) => Promise<FileHandle>;
}

export interface TailerSettings {
  framing: Framing;
  lineBytesMax: number;
  lastLineAfterMs: number;
}

/** So many looks after the last append, each a while after the other, whatever a failover lost has come to light. */
const LOOKS = 2;

/** A source as it is read. */
interface Reading {
  source: Source;
  appender: SourceAppender;
  framer: Framer;
  /** The last bytes before where reading goes on; empty when they are not known. */
  marker: Buffer;
  records: RecordMaker;
}

/**
 * Follows one file: reads on from where it stands, a chunk at a turn, and makes outcomes of the records.
 *
 *   new ──first turn with content──▶ reading ──turns──▶ reading ──content replaced──▶ ended
 *
 * In both states the file may be closed and opened again by its path; a file that is open is followed whatever it is called.
 * Every chunk is confirmed before it counts: the file must still begin as the source does, and what stands before
 * the chunk must be what was read there.
 */
export class FileTailer {
  readonly key: string;
  path: string;
  /** Since when no path leads to it; undefined while one does. */
  goneSince: number | undefined;
  readonly #deps: TailerDeps;
  readonly #id: Pick<FoundFile, 'dev' | 'ino'>;
  #handle: FileHandle | undefined;
  #reading: Reading | undefined;
  /** Size and change of the file when it was last looked at for reading. */
  #seen: Pick<FoundFile, 'bytes' | 'changed'> | undefined;
  /** How far its lines were ever read, whether or not they have ended. */
  #readTo = 0;
  /** How much of it was ever seen, and when that last became more. */
  #reached = 0;
  #grewAt: number;
  #appends: Promise<void> = Promise.resolve();
  /** How many more times Redis is asked whether it still has what was appended last. */
  #looksLeft = 0;
  /** Whether closing it now loses no work that would only be done again, for ever if lines are longer than chunks. */
  #mayClose = false;

  constructor(file: FoundFile, deps: TailerDeps) {
    this.key = file.key;
    this.path = file.path;
    this.#id = { dev: file.dev, ino: file.ino };
    this.#deps = deps;
    this.#grewAt = deps.clock.now();
  }

  get isOpen(): boolean {
    return this.#handle !== undefined;
  }

  /** Whether it may be closed to make room: it could be opened again, and came forward since it was opened. */
  get isClosable(): boolean {
    return this.#mayClose && this.goneSince === undefined;
  }

  get source(): Source | undefined {
    return this.#reading?.source;
  }

  /** Bytes that Redis does not have yet. */
  behindBytes(fileBytes = this.#seen?.bytes ?? 0): number {
    return Math.max(0, fileBytes - (this.#reading?.appender.lowWater ?? 0));
  }

  /** Bytes that are known to be there and were not read. */
  get unreadBytes(): number {
    return Math.max(0, (this.#seen?.bytes ?? 0) - (this.#reading?.framer.end ?? 0));
  }

  /** Whether a turn would find something: the file is not as it was, was not read to its end, or its last line has waited enough. */
  wants(file: Pick<FoundFile, 'bytes' | 'changed'>): boolean {
    const seen = this.#seen;
    if (seen === undefined || seen.bytes !== file.bytes || seen.changed !== file.changed) return true;
    if (this.#reading !== undefined && file.bytes > this.#readTo) return true;
    return this.unreadBytes > 0 && this.#mayEndLastRecord();
  }

  /** Whether everything in it was read, and nothing came for so long. */
  isQuiet(ms: number): boolean {
    return this.unreadBytes === 0 && this.#hasBeenQuietFor(ms);
  }

  /** The first half of a turn. Throws the system's errors, and a RetriableError when the input stops while Redis is away. */
  async read(buffer: Buffer): Promise<Step> {
    const handle = await this.#open();
    if (handle === undefined) return { kind: 'moved' };
    const stats = await handle.stat({ bigint: true });
    const seen = { bytes: Number(stats.size), changed: stats.mtimeNs };
    if (this.#reading === undefined) {
      const begun = await this.#begin(handle);
      if (begun === 'moved') return { kind: 'moved' };
      this.#seen = seen;
      if (begun === 'waiting') {
        this.#mayClose = true;
        return { kind: 'waiting', batch: undefined };
      }
      this.#reading = begun;
    }
    this.#seen = seen;
    return this.#readOn(handle, this.#reading, buffer);
  }

  /** The second half: appends after the batches before this one, and not at all if one of them failed. Fate as `confirm`. */
  async append(batch: Batch): Promise<Fate> {
    // It was read before the file was to be read again.
    if (batch.source !== this.#reading?.appender) return 'kept';
    this.#looksLeft = LOOKS;
    this.#appends = this.#appends.then(() => this.#deps.patient.append(batch));
    return this.#fateOf(this.#appends, this.#reading);
  }

  /** Looks whether Redis still has what was appended last. If it has not, the next turn reads on from what it has. */
  async confirm(): Promise<Fate> {
    if (this.#looksLeft === 0 || this.#reading === undefined) return 'kept';
    const fate = await this.#fateOf(this.#reading.appender.confirm(), this.#reading);
    this.#looksLeft -= 1;
    return fate;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    const reading = this.#reading;
    if (reading !== undefined && reading.framer.pending > 0) {
      // What is held of an unfinished line is read again, so that only open files hold any.
      reading.framer = this.#deps.framing.open(reading.framer.end);
      reading.marker = Buffer.alloc(0);
    }
    await handle?.close();
  }

  async #fateOf(work: Promise<void>, reading: Reading): Promise<Fate> {
    try {
      await work;
      return 'kept';
    } catch (error) {
      if (!(error instanceof SourceFellBackError)) throw error;
      // Several batches may be told.
      if (this.#reading !== reading) return 'kept';
      const { book, logger } = this.#deps;
      const told = { path: this.path, source: reading.source.id, position: error.position };
      logger.warn(
        told,
        'Redis has lost logs that it had taken; the file is read again from where they are missing',
      );
      book.release(reading.source);
      this.#reading = undefined;
      this.#seen = undefined;
      this.#readTo = 0;
      this.#appends = Promise.resolve();
      return 'lost';
    }
  }

  async #open(): Promise<FileHandle | undefined> {
    if (this.#handle !== undefined) return this.#handle;
    const handle = await this.#deps.open(this.path);
    if (!(await isFile(handle, this.key))) {
      await handle.close();
      return undefined;
    }
    this.#handle = handle;
    this.#mayClose = false;
    return handle;
  }

  /** Finds out which source the file is. A file without a whole first line has nothing to be known by, as long as it may get one. */
  async #begin(handle: FileHandle): Promise<Reading | 'waiting' | 'moved'> {
    const { book, patient, appender, name, framing, lineBytesMax, lastLineAfterMs } = this.#deps;
    const head = Buffer.from(await readAt(handle, Buffer.alloc(HEAD_BYTES_MAX), 0, HEAD_BYTES_MAX));
    this.#reach(head.length);
    const telling = isTelling(head) || (head.length > 0 && this.#hasBeenQuietFor(lastLineAfterMs));
    if (!telling) return 'waiting';
    const source = await patient.patiently(() => book.identify({ ...this.#id, path: this.path }, head));
    if (source === undefined) return 'moved';
    try {
      const opened = await patient.patiently(() => appender.openSource(name, source.id));
      const start = opened.lowWater;
      const reader = { framing, lineBytesMax };
      const header = start === 0 ? undefined : await readFirstRecord(handle, start, reader);
      const framer = framing.open(start);
      const records = createRecordMaker(this.#deps, source.id, header);
      return { source, appender: opened, framer, marker: Buffer.alloc(0), records };
    } catch (error) {
      // Or the next attempt would take it for another file's.
      book.release(source);
      throw error;
    }
  }

  async #readOn(handle: FileHandle, reading: Reading, buffer: Buffer): Promise<Step> {
    const { framer, marker, source } = reading;
    const offset = framer.end + framer.pending;
    const cut = source.record.cut ?? 0;
    const chunkBytes = Math.min(buffer.length - MARKER_BYTES_MAX, cut > offset ? cut - offset : Infinity);
    const bytes = await readAt(handle, buffer, offset - marker.length, marker.length + chunkBytes);
    const chunk = bytes.subarray(marker.length);
    if (!bytes.subarray(0, marker.length).equals(marker) || !(await this.#confirm(handle, reading, offset))) {
      return { kind: 'ended' };
    }
    reading.marker = Buffer.from(bytes.subarray(-MARKER_BYTES_MAX));
    this.#readTo = Math.max(this.#readTo, offset + chunk.length);
    this.#reach(offset + chunk.length);
    const from = framer.end;
    const outcomes: PositionedOutcome[] = [];
    const emit = (frame: Frame) => {
      for (const outcome of reading.records(frame, this.path)) outcomes.push({ outcome, end: frame.end });
    };
    framer.push(chunk, emit);
    const atEnd = chunk.length < chunkBytes;
    if (framer.end + framer.pending === cut) framer.flush(emit);
    else if (atEnd) await this.#endLastRecord(reading, emit);
    if (atEnd || framer.end > from) this.#mayClose = true;
    const batch =
      framer.end === from ? undefined : { source: reading.appender, outcomes, from, end: framer.end };
    return { kind: atEnd ? 'waiting' : 'more', batch };
  }

  /** After the chunk was read, so that a chunk of another content does not pass. */
  async #confirm(handle: FileHandle, { source }: Reading, offset: number): Promise<boolean> {
    const { book, patient } = this.#deps;
    const head = await readAt(handle, Buffer.alloc(HEAD_BYTES_MAX), 0, HEAD_BYTES_MAX);
    // Written anew, maybe while nobody looked. Its size now, since that may have been a moment ago.
    if (Number((await handle.stat({ bigint: true })).size) < offset) return false;
    return patient.patiently(() => book.confirm(source, head));
  }

  /** A last record that nothing ends becomes one when the file has not grown for long enough. */
  async #endLastRecord({ source, framer, appender }: Reading, emit: (frame: Frame) => void): Promise<void> {
    const { book, patient } = this.#deps;
    if (framer.pending === 0 || !this.#mayEndLastRecord()) return;
    // One such place is remembered; Redis must have what the last one is remembered for.
    if (appender.lowWater < framer.end) return;
    // Should its writer go on later, it must still be the same record, wherever we die before everything has it.
    await patient.patiently(() => book.cutAt(source, framer.end + framer.pending));
    framer.flush(emit);
  }

  #mayEndLastRecord(): boolean {
    const { framing, lastLineAfterMs } = this.#deps;
    const reading = this.#reading;
    if (reading?.framer.isWhole === true && this.#hasBeenQuietFor(framing.flushAfterMs)) return true;
    const mayBeCut = framing.findsNext || this.goneSince !== undefined || reading === undefined;
    return mayBeCut && this.#hasBeenQuietFor(lastLineAfterMs);
  }

  #reach(offset: number): void {
    if (offset <= this.#reached) return;
    this.#reached = offset;
    this.#grewAt = this.#deps.clock.now();
  }

  #hasBeenQuietFor(ms: number): boolean {
    return this.#deps.clock.now() - this.#grewAt >= ms;
  }
}
