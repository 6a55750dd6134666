import type { Clock } from '../../../common/clock.ts';
import type { Logger } from '../../../common/logger.ts';
import type { RedisClient } from '../../../common/redis/connection.ts';
import type { Keys } from '../../../common/redis/keys.ts';
import { readDeployment } from '../../../common/redis/partition-change.ts';
import { reply } from '../../../common/redis/redis-error.ts';
import { timestampFromMillis } from '../../../common/timestamp.ts';
import type { FoundFile } from './discovery.ts';
import { matchSource, parseSourceRecord, sha256, sourceId, sourcePrefix } from './identity.ts';
import type { SourceRecord } from './identity.ts';

/** A source that a file is read as. */
export interface Source {
  readonly id: string;
  /** How its content begins, as far as that is known. */
  head: Buffer;
  record: SourceRecord;
}

/**
 * What this machine's collector knows of the sources of one input; kept in Redis, so that the collector itself keeps nothing.
 * Only one file at a time is a source. Calls throw a RetriableError when Redis is away and may then be repeated.
 */
export interface SourceBook {
  /**
   * The source that a file is: one that is known, or a new one, which is in Redis when this returns. Undefined when another
   * process of this machine wrote something down about it meanwhile: look at the file anew and ask again.
   */
  identify(file: Pick<FoundFile, 'path' | 'dev' | 'ino'>, head: Buffer): Promise<Source | undefined>;
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

export interface SourceBookDeps {
  input: string;
  node: string;
  redis: RedisClient;
  keys: Keys;
  clock: Clock;
  logger: Logger;
  forgetAfterMs: number;
}

const SCAN_COUNT = 1000;

type Records = Map<string, SourceRecord | undefined>;

class Book implements SourceBook {
  present: ReadonlySet<string> = new Set();
  readonly #deps: SourceBookDeps;
  readonly #prefix: string;
  readonly #key: string;
  /** Every source of this machine; undefined where the record cannot be read: its id is taken all the same. */
  #records: Records | undefined;
  /** Ids of the sources by inode. */
  readonly #ids = new Map<string, Set<string>>();
  /** Sources that files are read as now. */
  readonly #bound = new Set<string>();

  constructor(deps: SourceBookDeps) {
    this.#deps = deps;
    this.#prefix = sourcePrefix(deps.input, deps.node);
    this.#key = deps.keys.sources(deps.input);
  }

  async identify(file: Pick<FoundFile, 'path' | 'dev' | 'ino'>, head: Buffer): Promise<Source | undefined> {
    const records = await this.#load();
    const free = this.#free(records, this.#ids.get(file.ino) ?? []);
    const match = matchSource(file, head, free, this.present);
    for (const [id, record] of free) {
      // The inode is this file's now, so no file can be that source again.
      const replaced = record.ino === file.ino && record.dev === file.dev && record.ended !== true;
      if (replaced && id !== match) await this.#markEnded(id, record);
    }
    const known = match === undefined ? undefined : records.get(match);
    if (match === undefined || known === undefined) return this.#create(records, file, head);
    this.#bound.add(match);
    const source = { id: match, record: known, head: Buffer.from(head.subarray(0, known.head_bytes)) };
    if (known.path === file.path && known.dev === file.dev && known.gone_at === undefined) return source;
    const { gone_at: _, ...rest } = known;
    try {
      await this.#saveOf(source, { ...rest, path: file.path, dev: file.dev });
    } catch (error) {
      // Or the next attempt would take it for another file's.
      this.#bound.delete(match);
      throw error;
    }
    return source;
  }

  async confirm(source: Source, head: Buffer): Promise<boolean> {
    const known = source.head.length;
    if (head.length < known || !head.subarray(0, known).equals(source.head)) return false;
    if (head.length === known) return true;
    await this.#saveOf(source, { ...source.record, head_bytes: head.length, head_sha256: sha256(head) });
    source.head = Buffer.from(head);
    return true;
  }

  cutAt(source: Source, offset: number): Promise<void> {
    return this.#saveOf(source, { ...source.record, cut: offset });
  }

  async end(source: Source): Promise<void> {
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

  /** Those of the sources that no file is read as. */
  #free(records: Records, ids: Iterable<string>): [string, SourceRecord][] {
    const free: [string, SourceRecord][] = [];
    for (const id of ids) {
      const record = records.get(id);
      if (record !== undefined && !this.#bound.has(id)) free.push([id, record]);
    }
    return free;
  }

  async #create(
    records: Records,
    file: Pick<FoundFile, 'path' | 'dev' | 'ino'>,
    head: Buffer,
  ): Promise<Source | undefined> {
    const { redis, node } = this.#deps;
    const record: SourceRecord = {
      node,
      path: file.path,
      dev: file.dev,
      ino: file.ino,
      head_bytes: head.length,
      head_sha256: sha256(head),
      first_seen: this.#now(),
    };
    let generation = 0;
    while (records.has(sourceId(this.#prefix, record, head, generation))) generation += 1;
    const id = sourceId(this.#prefix, record, head, generation);
    // Taken before Redis has it, lest another file takes it meanwhile.
    records.set(id, record);
    this.#bound.add(id);
    try {
      if ((await reply(redis.hsetnx(this.#key, id, JSON.stringify(record)))) === 1) {
        this.#index(id, file.ino);
        return { id, record, head: Buffer.from(head) };
      }
      // Another process was faster, or an earlier attempt of ours took effect though we were not told: it is known from now on.
      const there = parseSourceRecord((await reply(redis.hget(this.#key, id))) ?? '');
      records.set(id, there);
      this.#index(id, there?.ino);
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
    const { redis, logger } = this.#deps;
    const records: Records = new Map();
    // Other machines' sources are in the same hash: they stay there.
    const pattern = `${this.#prefix.replaceAll(/[*?[\]\\^]/g, '\\$&')}*`;
    let cursor = '0';
    do {
      const [next, found] = await reply(
        redis.hscan(this.#key, cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT),
      );
      for (let i = 0; i + 1 < found.length; i += 2) {
        const id = found[i] ?? '';
        const record = parseSourceRecord(found[i + 1] ?? '');
        if (record === undefined)
          logger.warn({ source: id }, 'what is remembered of a source cannot be read');
        records.set(id, record);
      }
      cursor = next;
    } while (cursor !== '0');
    // Files that wait at the same time load at the same time; the first one's is everyone's.
    if (this.#records === undefined) {
      this.#records = records;
      for (const [id, record] of records) this.#index(id, record?.ino);
    }
    return this.#records;
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

  /** In an order that leaves no position without its source, since a new source could get the id. */
  async #forget(id: string): Promise<void> {
    const { redis, keys, input, logger } = this.#deps;
    const { partitions, change } = await readDeployment(redis, keys);
    // How many there are is written down when a deployment is first started; without it, and while it changes, we cannot clean up.
    if (partitions === undefined || change !== undefined) return;
    for (let partition = 0; partition < partitions; partition += 1) {
      await reply(redis.hdel(keys.positions(partition), id));
    }
    await reply(redis.hdel(keys.formerPositions(), id));
    await reply(redis.hdel(keys.lowWater(input), id));
    await reply(redis.hdel(this.#key, id));
    const ino = this.#records?.get(id)?.ino ?? '';
    this.#records?.delete(id);
    this.#ids.get(ino)?.delete(id);
    if (this.#ids.get(ino)?.size === 0) this.#ids.delete(ino);
    logger.info({ source: id }, 'forgot a source whose file has been gone for long');
  }

  #index(id: string, ino: string | undefined): void {
    if (ino === undefined) return;
    const ids = this.#ids.get(ino);
    if (ids === undefined) this.#ids.set(ino, new Set([id]));
    else ids.add(id);
  }

  #now(): string {
    return timestampFromMillis(this.#deps.clock.now());
  }
}

export function createSourceBook(deps: SourceBookDeps): SourceBook {
  return new Book(deps);
}
