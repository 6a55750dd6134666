import { dirname } from 'node:path';
import { RetriableError } from '../../../common/errors.ts';
import type { Batch } from './append.ts';
import { isArchive } from './archive.ts';
import { createBeginnings, createOneByOne } from './beginnings.ts';
import type { FoundFile } from './discovery.ts';
import type { FollowerDeps, TailerDeps } from './follower-deps.ts';
import { isSystemError } from './problems.ts';
import { createSlots } from './slots.ts';
import type { Slots } from './slots.ts';
import { AROUND_BYTES } from './reading.ts';
import { FileTailer } from './tailer.ts';
import { createTurns } from './turns.ts';
import type { Turns } from './turns.ts';

/** Chunks under way at the same time: enough to decode one while others are on their way to Redis. */
const TURNS_MAX = 4;

/** What a turn gave besides a batch: nothing to do at once. */
const NOTHING: Turn = { batch: undefined, more: false };

interface Turn {
  batch: Batch | undefined;
  more: boolean;
}

/**
 * Keeps a tailer for every file that matches, and for those that matched until they are drained. A scan gives turns
 * to the files that have something to read; so does an event, sooner.
 */
export class FileFollower {
  readonly #deps: FollowerDeps;
  /** The same for every file, of which there may be thousands. */
  readonly #tailerDeps: TailerDeps;
  readonly #turns: Turns<FileTailer>;
  readonly #slots: Slots<FileTailer>;
  readonly #tailers = new Map<string, FileTailer>();
  /** They had a turn, but no other file could be closed for them. */
  readonly #waiting = new Set<FileTailer>();
  readonly #beginnings = createBeginnings<FileTailer>((archive) => this.#ask(archive));
  /** As the last scan found them, by path. */
  #byPath = new Map<string, FileTailer>();
  #found = new Map<string, FoundFile>();
  #hasScanned = false;

  constructor(deps: FollowerDeps) {
    this.#deps = deps;
    const { input, settings, book, patient, passedOver, open } = deps;
    this.#tailerDeps = { ...input, ...settings, book, patient, passedOver, open, oneByOne: createOneByOne() };
    const { batchBytesMax, filesOpenMax } = settings;
    this.#turns = createTurns<FileTailer>({
      turnsMax: Math.min(TURNS_MAX, filesOpenMax),
      bufferBytes: batchBytesMax + AROUND_BYTES,
      read: (tailer, buffer) => this.#read(tailer, buffer),
      append: (tailer, batch) => this.#append(tailer, batch),
      left: (tailer) => {
        // One that had to wait has made no room.
        if (!this.#waiting.has(tailer)) this.#letOneIn();
      },
      idle: () => this.#idle(),
    });
    this.#slots = createSlots<FileTailer>({
      filesMax: filesOpenMax,
      closable: (tailer) => tailer.isClosable && !this.#turns.reading(tailer),
      close: (tailer) => tailer.close(),
    });
  }

  /** Folders where files matched, or may match first. */
  get folders(): Set<string> {
    const { folders } = this.#deps.discovery;
    return new Set([...folders, ...[...this.#byPath.keys()].map((path) => dirname(path))]);
  }

  /** @param isLocal as Discovery.scan has it. */
  async scan(isLocal: boolean): Promise<void> {
    const { discovery, book } = this.#deps;
    this.#found = await discovery.scan(isLocal);
    if (this.#deps.stopping.aborted) return;
    book.present = new Set(this.#found.keys());
    this.#byPath = new Map();
    // Archives last (beginnings.ts).
    for (const archives of [false, true])
      for (const file of this.#found.values()) if (isArchive(file.path) === archives) this.#met(file);
    this.#hasScanned = true;
    await this.#lookAfterMissed();
    this.#tellBehind();
  }

  /** What a scan does besides looking: last lines that have waited enough, and files that have gone. */
  async glance(): Promise<void> {
    for (const tailer of this.#tailers.values()) {
      if (this.#found.has(tailer.key) && tailer.isRestless) this.#ask(tailer);
    }
    await this.#lookAfterMissed();
  }

  /** Looks whether Redis still has what was appended from files that rest now. Throws a RetriableError when Redis is away. */
  async confirm(): Promise<void> {
    for (const tailer of this.#tailers.values()) {
      if (this.#deps.stopping.aborted) return;
      await tailer.note();
      if (this.#turns.busy(tailer)) continue;
      if ((await tailer.confirm()) === 'lost') this.#ask(tailer);
    }
  }

  async #lookAfterMissed(): Promise<void> {
    for (const tailer of this.#tailers.values()) {
      if (!this.#found.has(tailer.key)) await this.#missed(tailer);
    }
  }

  /** Whether the folders of what is followed show every change of it. */
  get isInFolders(): boolean {
    return this.#deps.discovery.isFlat && ![...this.#found.values()].some(({ isLink }) => isLink);
  }

  follows(path: string): boolean {
    return this.#byPath.has(path);
  }

  /** Gives a file a turn, if the path is one that is followed. */
  poke(path: string): void {
    const tailer = this.#byPath.get(path);
    if (tailer !== undefined) this.#ask(tailer);
  }

  /** Resolves when the turns under way have ended and the files are closed. */
  async stop(): Promise<void> {
    await this.#turns.stop();
    try {
      for (const tailer of this.#tailers.values()) await tailer.note();
    } catch (error) {
      // Redis is away, and nothing hangs on it.
      if (!(error instanceof RetriableError)) throw error;
    }
    // Again, if the input did not wait for this: a turn may have opened one since.
    await this.close();
  }

  /** Closes every file, though it be read. */
  async close(): Promise<void> {
    for (const tailer of this.#tailers.values()) await tailer.close();
  }

  #met(file: FoundFile): void {
    let tailer = this.#tailers.get(file.key);
    if (tailer === undefined) {
      const met = { ...file, isOld: !this.#hasScanned };
      tailer = new FileTailer(met, this.#tailerDeps);
      this.#tailers.set(file.key, tailer);
    }
    tailer.path = file.path;
    tailer.goneSince = undefined;
    this.#byPath.set(file.path, tailer);
    if (tailer.wants(file)) this.#ask(tailer);
  }

  /** No path that matches leads to the file: what was written to it is still read while it is open. */
  async #missed(tailer: FileTailer): Promise<void> {
    const { input, settings } = this.#deps;
    const now = input.clock.now();
    const missedBefore = tailer.goneSince !== undefined;
    tailer.goneSince ??= now;
    if (this.#turns.busy(tailer)) return;
    if (tailer.isOpen) {
      const drained =
        tailer.isQuiet(settings.closeAfterMs) && now - tailer.goneSince >= settings.closeAfterMs;
      if (drained) await this.#drop(tailer);
      else this.#ask(tailer);
      return;
    }
    // A rename in the middle of a scan can hide a file from it, so one scan is not enough to believe it.
    if (!missedBefore) return;
    const bytes = tailer.unreadBytes;
    if (bytes > 0) {
      const told = { path: tailer.path, bytes };
      input.logger.warn(told, 'file went before all of it was read; what it held is read if it comes back');
    }
    await this.#drop(tailer);
  }

  async #drop(tailer: FileTailer): Promise<void> {
    try {
      await tailer.note();
    } catch (error) {
      // Redis is away: it goes when it is back.
      if (error instanceof RetriableError) return;
      throw error;
    }
    this.#tailers.delete(tailer.key);
    if (tailer.source !== undefined) this.#deps.book.release(tailer.source);
    await this.#close(tailer);
    this.#letOneIn();
  }

  #ask(tailer: FileTailer): void {
    this.#deps.part.begin();
    this.#turns.ask(tailer);
  }

  async #read(tailer: FileTailer, buffer: Buffer): Promise<Turn> {
    const read = () => this.#readOn(tailer, buffer);
    if (tailer.source !== undefined) return read();
    return (await this.#beginnings.turn(tailer, isArchive(tailer.path), read)) ?? NOTHING;
  }

  async #readOn(tailer: FileTailer, buffer: Buffer): Promise<Turn> {
    const { part, problems, stopping } = this.#deps;
    // It may have been let go after it asked.
    if (stopping.aborted || this.#tailers.get(tailer.key) !== tailer) return NOTHING;
    try {
      if (!(await this.#slots.take(tailer))) {
        this.#waiting.add(tailer);
        return NOTHING;
      }
      this.#waiting.delete(tailer);
      const step = await tailer.read(buffer);
      part.progress();
      if (tailer.problem === undefined) problems.over(tailer.path);
      else problems.report(tailer.path, { code: 'broken', message: tailer.problem });
      if (step.kind === 'waiting' && tailer.isReadArchive) await this.#close(tailer);
      if (step.kind === 'ended') await this.#ended(tailer);
      if (step.kind === 'moved') {
        await this.#close(tailer);
        this.#deps.scanSoon();
      }
      return 'batch' in step ? { batch: step.batch, more: step.kind === 'more' } : NOTHING;
    } catch (error) {
      await this.#failed(tailer, error);
      return NOTHING;
    }
  }

  async #append(tailer: FileTailer, batch: Batch): Promise<void> {
    try {
      const fate = await tailer.append(batch);
      this.#deps.part.progress();
      if (fate === 'lost') this.#ask(tailer);
    } catch (error) {
      await this.#failed(tailer, error);
    }
  }

  async #ended(tailer: FileTailer): Promise<void> {
    const { book, patient, input } = this.#deps;
    const { source } = tailer;
    if (source !== undefined) await patient.patiently(() => book.end(source));
    input.logger.info(
      { path: tailer.path, source: source?.id },
      'file was written anew; reading it from its start',
    );
    this.#tailers.delete(tailer.key);
    await this.#close(tailer);
    // Which finds the file as a new one.
    this.#deps.scanSoon();
  }

  async #failed(tailer: FileTailer, error: unknown): Promise<void> {
    const { problems, stopping, input } = this.#deps;
    // Waiting for Redis ends when the input stops; what was not appended is read again after the next start.
    if (stopping.aborted && error instanceof RetriableError) return;
    if (!isSystemError(error)) {
      void this.#turns.stop();
      return input.fail(error);
    }
    problems.report(tailer.path, error);
    tailer.failed();
    await this.#close(tailer);
  }

  async #close(tailer: FileTailer): Promise<void> {
    this.#slots.leave(tailer);
    await tailer.close();
  }

  /** There may be room for a file, or one that can be closed for it. */
  #letOneIn(): void {
    for (const tailer of this.#waiting) {
      this.#waiting.delete(tailer);
      return this.#ask(tailer);
    }
  }

  #idle(): void {
    this.#deps.part.idle();
    this.#tellBehind();
  }

  #tellBehind(): void {
    const { metrics, name } = this.#deps.input;
    let bytes = 0;
    for (const tailer of this.#tailers.values()) {
      bytes += tailer.behindBytes(this.#found.get(tailer.key)?.bytes);
    }
    metrics.behindBytes.set({ input: name }, bytes);
  }
}
