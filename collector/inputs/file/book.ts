import type { Clock } from '../../../common/clock.ts';
import { reply } from '../../../common/redis/redis-error.ts';
import { timestampFromMillis } from '../../../common/timestamp.ts';
import { matchSource, parseSourceRecord, sha256, sourceId, sourcePrefix } from './identity.ts';
import type { SourceRecord } from './identity.ts';
import { InodeIndex } from './inode-index.ts';
import { bears, findOrigin, tailOf } from './origin.ts';
import type { Candidate, Known } from './origin.ts';
import { ownCopy } from './reading.ts';
import type { Held, Source } from './source.ts';
import { forgetSource, readRecords } from './source-records.ts';
import type { RecordDeps, Records } from './source-records.ts';

/**
 * What this machine's collector knows of the sources of one input; kept in Redis, so that the collector itself keeps nothing.
 * Only one file at a time is a source. Calls throw a RetriableError when Redis is away and may then be repeated.
 */
export interface SourceBook {
  /**
   * The source that a file is: one that is known, or a new one, which is in Redis when this returns. Undefined when another
   * process of this machine wrote something down about it meanwhile: look at the file anew and ask again. Held as long as another
   * file is the source that it is a copy of.
   */
  identify(candidate: Candidate): Promise<Source | Held | undefined>;
  /** A file holds no more than so many bytes: no file is a source again that had its inode and is known to begin longer. */
  endLongerThan(bytes: number, file: Pick<Candidate, 'dev' | 'ino'>): Promise<void>;
  /** Whether a file is the source, or may turn out to be. */
  isTaken(id: string): boolean;
  /** Writes down how far the source was read, as a copy of it shows by that later. */
  note(source: Source): Promise<void>;
  /** Whether the file still begins as the source does. If it has grown to show more, that is remembered. */
  confirm(source: Source, head: Buffer): Promise<boolean>;
  /** Remembers that a record ends at an offset without a newline there, so that it is the same record when it is read again. */
  cutAt(source: Source, offset: number): Promise<void>;
  /** The content is no more: whatever the file holds is another source. */
  end(source: Source): Promise<void>;
  /** No file is the source now; one may be found that is. */
  release(source: Source): void;
  /** Notes which sources have no file, and forgets, with their positions, those that have had none for long. */
  sweep(): Promise<void>;
  /** Keys of the files that the last scan found. */
  present: ReadonlySet<string>;
}

export interface SourceBookDeps extends RecordDeps {
  node: string;
  clock: Clock;
  forgetAfterMs: number;
}

class Book implements SourceBook {
  present: ReadonlySet<string> = new Set();
  readonly #deps: SourceBookDeps;
  readonly #prefix: string;
  readonly #key: string;
  /** Every source of this machine; undefined where the record cannot be read: its id is taken all the same. */
  #records: Records | undefined;
  readonly #byInode = new InodeIndex();
  /** Sources that files are read as now; without the source while it is being found out. */
  readonly #bound = new Map<string, Source | undefined>();

  constructor(deps: SourceBookDeps) {
    this.#deps = deps;
    this.#prefix = sourcePrefix(deps.input, deps.node);
    this.#key = deps.keys.sources(deps.input);
  }

  async identify(candidate: Candidate): Promise<Source | Held | undefined> {
    const records = await this.#load();
    const free = this.#free(records, this.#byInode.of(candidate.ino));
    const match = await this.#unlessReplaced(
      matchSource(candidate, candidate.head, free, this.present),
      candidate,
    );
    // The inode is this file's now, so no file can be those sources again.
    await this.#endOthers(free, candidate, (id) => id !== match);
    if (match !== undefined) return this.#bind(match, candidate);
    const origin = await findOrigin(candidate, this.#known(records));
    if (origin?.kind === 'copy') return this.#heldBy(records, origin.id, origin.isSure);
    // The search took a while.
    if (origin !== undefined) return this.isTaken(origin.id) ? undefined : this.#bind(origin.id, candidate);
    return this.#create(records, candidate);
  }

  async endLongerThan(bytes: number, file: Pick<Candidate, 'dev' | 'ino'>): Promise<void> {
    const free = this.#free(await this.#load(), this.#byInode.of(file.ino));
    await this.#endOthers(free, file, (_, record) => record.head_bytes > bytes);
  }

  isTaken(id: string): boolean {
    const record = this.#records?.get(id);
    if (record === undefined) return false;
    return this.#bound.has(id) || (record.ended !== true && this.present.has(`${record.dev}:${record.ino}`));
  }

  async note(source: Source): Promise<void> {
    const { readTo, record } = source;
    // Before anything is hashed: most files are where they were.
    if (readTo === undefined || readTo.at === record.tail?.at) return;
    const tail = tailOf(readTo.at, readTo.bytes);
    if (tail === undefined) return;
    await this.#saveOf(source, { ...record, tail });
  }

  async confirm(source: Source, head: Buffer): Promise<boolean> {
    const known = source.head.length;
    if (head.length < known || !head.subarray(0, known).equals(source.head)) return false;
    if (head.length === known) return true;
    await this.#saveOf(source, { ...source.record, head_bytes: head.length, head_sha256: sha256(head) });
    source.head = ownCopy(head);
    return true;
  }

  cutAt(source: Source, offset: number): Promise<void> {
    return this.#saveOf(source, { ...source.record, cut: offset });
  }

  async end(source: Source): Promise<void> {
    await this.note(source);
    await this.#markEnded(source.id, source.record);
    this.#bound.delete(source.id);
  }

  release(source: Source): void {
    this.#bound.delete(source.id);
  }

  async sweep(): Promise<void> {
    const inodes = new Set([...this.present].map((key) => key.slice(key.indexOf(':') + 1)));
    const now = this.#deps.clock.now();
    const records = await this.#load();
    for (const [id, record] of this.#free(records, records.keys())) {
      // A file that waits for its turn may turn out to be the source.
      if (record.ended !== true && inodes.has(record.ino)) continue;
      if (record.gone_at === undefined) await this.#save(id, { ...record, gone_at: this.#now() });
      else if (now - Date.parse(record.gone_at) > this.#deps.forgetAfterMs) await this.#forget(id);
    }
  }

  /** The source, unless the file shows other bytes than were read of it: then it was written anew while nobody looked. */
  async #unlessReplaced(id: string | undefined, candidate: Candidate): Promise<string | undefined> {
    const tail = id === undefined ? undefined : this.#records?.get(id)?.tail;
    if (tail === undefined) return id;
    return (await bears(candidate, tail)) === 'yes' ? id : undefined;
  }

  /** Makes the file a known source. */
  async #bind(id: string, { path, dev, ino, head }: Candidate): Promise<Source | undefined> {
    const known = this.#records?.get(id);
    if (known === undefined || this.#bound.has(id)) return undefined;
    const source: Source = {
      id,
      record: known,
      head: ownCopy(head.subarray(0, known.head_bytes)),
      readTo: undefined,
    };
    this.#bound.set(id, source);
    const isSame = known.path === path && known.dev === dev && known.ino === ino;
    if (isSame && known.gone_at === undefined) return source;
    const { gone_at: _, ended: __, ...rest } = known;
    try {
      await this.#saveOf(source, { ...rest, path, dev, ino });
      this.#byInode.add(id, ino);
    } catch (error) {
      // Or the next attempt would take it for another file's.
      this.#bound.delete(id);
      throw error;
    }
    return source;
  }

  #heldBy(records: Records, id: string, isSure: boolean): Held {
    const other = () => this.#bound.get(id);
    return { heldBy: id, isSure, otherPath: other()?.file?.path ?? records.get(id)?.path ?? '', other };
  }

  *#known(records: Records): Generator<Known> {
    for (const [id, record] of records) {
      if (record === undefined) continue;
      const source = this.#bound.get(id);
      const readTo = source?.readTo;
      const tail = () => (readTo === undefined ? record.tail : tailOf(readTo.at, readTo.bytes));
      yield { id, record, tail, isTaken: this.isTaken(id), isBound: this.#bound.has(id), source };
    }
  }

  /** Those of the sources that no file is read as. */
  #free(records: Records, ids: Iterable<string>): [string, SourceRecord][] {
    const free: [string, SourceRecord][] = [];
    for (const id of ids) {
      const record = records.get(id);
      if (record !== undefined && !this.#bound.has(id)) free.push([id, record]);
    }
    return free;
  }

  async #create(records: Records, file: Candidate): Promise<Source | undefined> {
    const { redis, node } = this.#deps;
    const { head } = file;
    const start = await file.start();
    const record: SourceRecord = {
      node,
      path: file.path,
      dev: file.dev,
      ino: file.ino,
      head_bytes: head.length,
      head_sha256: sha256(head),
      first_seen: this.#now(),
      ...(start > 0 ? { start } : {}),
    };
    let generation = 0;
    while (records.has(sourceId(this.#prefix, record, head, generation))) generation += 1;
    const id = sourceId(this.#prefix, record, head, generation);
    // Taken before Redis has it, lest another file takes it meanwhile.
    records.set(id, record);
    this.#bound.set(id, undefined);
    try {
      if ((await reply(redis.hsetnx(this.#key, id, JSON.stringify(record)))) === 1) {
        this.#byInode.add(id, file.ino);
        const source: Source = { id, record, head: ownCopy(head), readTo: undefined };
        this.#bound.set(id, source);
        return source;
      }
      // Another process was faster, or an earlier attempt of ours took effect though we were not told: it is known from now on.
      const there = parseSourceRecord((await reply(redis.hget(this.#key, id))) ?? '');
      records.set(id, there);
      this.#byInode.add(id, there?.ino);
      this.#bound.delete(id);
      return undefined;
    } catch (error) {
      records.delete(id);
      this.#bound.delete(id);
      throw error;
    }
  }

  async #load(): Promise<Records> {
    if (this.#records !== undefined) return this.#records;
    const records = await readRecords(this.#deps, this.#prefix);
    // Files that wait at the same time load at the same time; the first one's is everyone's.
    if (this.#records === undefined) {
      this.#records = records;
      for (const [id, record] of records) this.#byInode.add(id, record?.ino);
    }
    return this.#records;
  }

  /** Ends those of the sources that had the file's inode and are not what the file is. */
  async #endOthers(
    sources: readonly [string, SourceRecord][],
    { dev, ino }: Pick<Candidate, 'dev' | 'ino'>,
    isOther: (id: string, record: SourceRecord) => boolean,
  ): Promise<void> {
    const hadInode = (record: SourceRecord) => record.ino === ino && record.dev === dev;
    for (const [id, record] of sources)
      if (hadInode(record) && record.ended !== true && isOther(id, record)) await this.#markEnded(id, record);
  }

  #markEnded(id: string, record: SourceRecord): Promise<void> {
    return this.#save(id, { ...record, ended: true, gone_at: record.gone_at ?? this.#now() });
  }

  async #saveOf(source: Source, record: SourceRecord): Promise<void> {
    await this.#save(source.id, record);
    source.record = record;
  }

  async #save(id: string, record: SourceRecord): Promise<void> {
    await reply(this.#deps.redis.hset(this.#key, id, JSON.stringify(record)));
    this.#records?.set(id, record);
  }

  async #forget(id: string): Promise<void> {
    if (!(await forgetSource(this.#deps, id))) return;
    this.#byInode.remove(id, this.#records?.get(id)?.ino ?? '');
    this.#records?.delete(id);
    this.#deps.logger.info({ source: id }, 'forgot a source whose file has been gone for long');
  }

  #now(): string {
    return timestampFromMillis(this.#deps.clock.now());
  }
}

export function createSourceBook(deps: SourceBookDeps): SourceBook {
  return new Book(deps);
}
