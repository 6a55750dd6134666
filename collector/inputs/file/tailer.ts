import type { PositionedOutcome } from '../../append.ts';
import type { Frame } from '../../framing/framer.ts';
import { SourceFellBackError } from '../../source-fell-back.ts';
import type { Batch, Fate, Step } from './append.ts';
import { isArchive } from './archive.ts';
import { begin } from './begin.ts';
import type { Beginning, MetFile, Reading } from './begin.ts';
import type { Content, Looks } from './content.ts';
import { HEAD_BYTES_MAX } from './identity.ts';
import { createGrowth } from './growth.ts';
import type { Growth } from './growth.ts';
import { Hold } from './hold.ts';
import { openContent, peekInto } from './open.ts';
import { AROUND_BYTES, MARKER_BYTES_MAX, ownCopy } from './reading.ts';
import type { Source, SourceFile } from './source.ts';
import type { TailerDeps } from './follower-deps.ts';

/** So many looks after the last append, each a while after the other, whatever a failover lost has come to light. */
const LOOKS = 2;

/**
 * Follows one file: reads on from where it stands, a chunk at a turn, and makes outcomes of the records.
 *
 *   new ──first turn with content──▶ reading ──turns──▶ reading ──content replaced──▶ ended
 *
 * In both states the file may be closed and opened again by its path; a file that is open is followed whatever it is called.
 * Every chunk is confirmed before it counts: the file must still begin as the source does, and what stands before
 * the chunk must be what was read there.
 */
export class FileTailer implements SourceFile {
  readonly key: string;
  path: string;
  /** Since when no path leads to it; undefined while one does. */
  goneSince: number | undefined;
  /** Why not all of it can be read, in words. */
  problem: string | undefined;
  readonly #deps: TailerDeps;
  readonly #met: MetFile;
  #content: Content | undefined;
  #reading: Reading | undefined;
  /** Size and change of the file when it was last looked at for reading. */
  #seen: Looks | undefined;
  /** How much it held then, as far as that is known, and how far its records were cut. */
  #length = 0;
  #end = 0;
  /** Why it waits for another file, if it does. */
  #hold: Hold | undefined;
  /** How far its lines were ever read, whether or not they have ended. */
  #readTo = 0;
  readonly #growth: Growth;
  #appends: Promise<void> = Promise.resolve();
  /** How many more times Redis is asked whether it still has what was appended last. */
  #looksLeft = 0;
  /** Whether closing it now loses no work that would only be done again, for ever if lines are longer than chunks. */
  #mayClose = false;

  constructor(file: MetFile, deps: TailerDeps) {
    this.key = file.key;
    this.path = file.path;
    this.#met = file;
    this.#deps = deps;
    this.#growth = createGrowth(deps.clock);
  }

  get isOpen(): boolean {
    return this.#content !== undefined;
  }

  /** Whether it may be closed to make room: it could be opened again, and came forward since it was opened. */
  get isClosable(): boolean {
    return this.#mayClose && this.goneSince === undefined;
  }

  get source(): Source | undefined {
    return this.#reading?.source;
  }

  /** Bytes that Redis does not have yet. @param bytes of the file, as a scan found it. */
  behindBytes(bytes = this.#length): number {
    if (this.#hold?.isSure === true) return 0;
    const reading = this.#reading;
    // How much an archive holds shows when it is unpacked; until then, it counts with what it has on the disk.
    const there = reading !== undefined && isArchive(this.path) ? this.#length : bytes;
    return Math.max(0, there - Math.max(reading?.appender.lowWater ?? 0, reading?.source.record.start ?? 0));
  }

  /** Bytes that are known to be there and were not read. */
  get unreadBytes(): number {
    return Math.max(0, this.#length - this.#end);
  }

  /** Whether it is an archive of which nothing is left to read. */
  get isReadArchive(): boolean {
    return isArchive(this.path) && this.#reading !== undefined && this.unreadBytes === 0;
  }

  /** Whether a turn would find something: the file is not as it was, was not read to its end, or its last line has waited enough. */
  wants(file: Looks): boolean {
    const seen = this.#seen;
    if (seen === undefined || seen.bytes !== file.bytes || seen.changed !== file.changed) return true;
    return this.isRestless;
  }

  /** The same of a file that has not changed, as far as is known. */
  get isRestless(): boolean {
    if (this.#seen === undefined) return true;
    if (this.#hold !== undefined) return this.#hold.isDue;
    if (this.#reading !== undefined && this.#length > this.#readTo) return true;
    return this.unreadBytes > 0 && this.#mayEndLastRecord();
  }

  /** Whether everything in it was read, and nothing came for so long. */
  isQuiet(ms: number): boolean {
    return this.unreadBytes === 0 && this.#growth.hasRestedFor(ms);
  }

  get isAtRest(): boolean {
    return this.#length <= this.#readTo && this.#isSettled;
  }

  peek<T>(look: (content: Content) => Promise<T>): Promise<T | undefined> {
    return peekInto(this, this.#content, this.#deps.open, look);
  }

  /** The first half of a turn. Throws the system's errors, and a RetriableError when the input stops while Redis is away. */
  async read(buffer: Buffer): Promise<Step> {
    const content = await this.#open();
    if (content === undefined) return { kind: 'moved' };
    const looks = await content.look();
    if (this.#reading !== undefined) return this.#readOn(content, looks, this.#reading, buffer);
    const head = await content.read(buffer, 0, HEAD_BYTES_MAX);
    return this.#deps.oneByOne.turn(head, async () => {
      const begun = await this.#begin(content, looks, head);
      if (begun.kind === 'moved') return begun;
      this.#see(content, looks);
      this.#hold = begun.kind === 'held' ? new Hold(this.#deps, begun, this.#hold) : undefined;
      this.#hold?.tell(this.path, this.#isSettled);
      if (begun.kind !== 'reading') {
        this.#mayClose = true;
        return { kind: 'waiting', batch: undefined };
      }
      this.#reading = begun.reading;
      this.#reading.source.file = this;
      return this.#readOn(content, looks, begun.reading, buffer);
    });
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

  /** The last turn failed: there is something for another one. */
  failed(): void {
    this.#seen = undefined;
  }

  /** Writes down how far it was read. Throws a RetriableError when Redis is away. */
  async note(): Promise<void> {
    if (this.#reading !== undefined) await this.#deps.book.note(this.#reading.source);
  }

  async close(): Promise<void> {
    const [content, reading] = [this.#content, this.#reading];
    this.#content = undefined;
    if (reading !== undefined && reading.framer.pending > 0) {
      // What is held of an unfinished line is read again, so that only open files hold any.
      reading.framer = this.#deps.framing.open(reading.framer.end);
      reading.marker = Buffer.alloc(0);
    }
    await content?.close();
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
      [this.#readTo, this.#end] = [0, 0];
      this.#appends = Promise.resolve();
      return 'lost';
    }
  }

  get #isSettled(): boolean {
    return this.#growth.hasRestedFor(this.#deps.lastLineAfterMs);
  }

  #see(content: Content, looks: Looks): void {
    this.#seen = looks;
    [this.#length, this.#end] = [content.length(looks), this.#reading?.framer.end ?? 0];
    this.problem = content.problem;
  }

  async #open(): Promise<Content | undefined> {
    if (this.#content !== undefined) return this.#content;
    this.#content = await openContent(this, this.#deps.open);
    if (this.#content !== undefined) this.#mayClose = false;
    return this.#content;
  }

  /** Finds out which source the file is, and opens it. */
  async #begin(content: Content, looks: Looks, head: Buffer): Promise<Beginning> {
    // What is on the disk: how much of an archive is known to be in it becomes more as it is looked into.
    this.#growth.reach(Math.max(head.length, looks.bytes));
    const file = { ...this.#met, path: this.path };
    return begin(this.#deps, file, content, head, looks, this.#isSettled);
  }

  async #readOn(content: Content, looks: Looks, reading: Reading, buffer: Buffer): Promise<Step> {
    const step = await this.#readChunk(content, reading, buffer);
    this.#see(content, looks);
    return step;
  }

  async #readChunk(content: Content, reading: Reading, buffer: Buffer): Promise<Step> {
    const { framer, marker, source } = reading;
    const offset = framer.end + framer.pending;
    const cut = source.record.cut ?? 0;
    const chunkBytes = Math.min(buffer.length - AROUND_BYTES, cut > offset ? cut - offset : Infinity);
    const bytes = await content.read(buffer, offset - marker.length, marker.length + chunkBytes);
    const chunk = bytes.subarray(marker.length);
    if (
      !bytes.subarray(0, marker.length).equals(marker) ||
      !(await this.#confirm(content, reading, offset, buffer.subarray(-HEAD_BYTES_MAX)))
    ) {
      return { kind: 'ended' };
    }
    reading.marker = ownCopy(bytes.subarray(-MARKER_BYTES_MAX));
    source.readTo = { at: offset + chunk.length, bytes: reading.marker };
    this.#readTo = Math.max(this.#readTo, offset + chunk.length);
    this.#growth.reach(offset + chunk.length);
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
  async #confirm(content: Content, { source }: Reading, offset: number, room: Buffer): Promise<boolean> {
    const { book, patient } = this.#deps;
    const head = await content.read(room, 0, HEAD_BYTES_MAX);
    // Written anew, maybe while nobody looked. Its size now, since that may have been a moment ago.
    if (await content.isCutBefore(offset)) return false;
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
    const { framing } = this.#deps;
    const reading = this.#reading;
    if (reading?.framer.isWhole === true && this.#growth.hasRestedFor(framing.flushAfterMs)) return true;
    const mayBeCut = framing.findsNext || this.goneSince !== undefined || reading === undefined;
    return mayBeCut && this.#isSettled;
  }
}
