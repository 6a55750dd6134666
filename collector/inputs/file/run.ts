import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { describeError, RetriableError } from '../../../common/errors.ts';
import type { HealthPart } from '../../../common/health.ts';
import { createPatientRedis } from './append.ts';
import type { PatientRedis } from './append.ts';
import { createSourceBook } from './book.ts';
import type { SourceBook } from './book.ts';
import { createCharset } from '../../charset.ts';
import { createFraming } from '../../framing/registry.ts';
import { createDiscovery } from './discovery.ts';
import type { ReadFolder } from './discovery.ts';
import { FileFollower } from './follow.ts';
import { createScanLoop } from './loop.ts';
import type { ScanLoop } from './loop.ts';
import { createPassedOver } from './passed-over.ts';
import { createFileProblems, isSystemError } from './problems.ts';
import { areToldOf } from './told.ts';
import { createFolderWatch } from './watch.ts';
import type { FolderWatch } from './watch.ts';
import type { FileInputConfig } from '../file.ts';
import type { Input, InputDeps } from '../input.ts';

/** A turn is a chunk, a scan a look at every file; either takes longer only if the system hangs. */
const STALL_MS = 60_000;
const SWEEP_INTERVAL_MS = 60_000;
/** Longer than a failover takes to show what it lost: a file is looked at twice after its last append. */
const CONFIRM_INTERVAL_MS = 30_000;

/** Where the system tells of changes, files are looked at every so many intervals: it may lose some. */
const TOLD_INTERVALS = 20;

/** What is read of a file at a time, unless the config says. */
const BATCH_BYTES = { perPartition: 16 * 1024, min: 128 * 1024, max: 1024 * 1024 };

const openToRead = (path: string): Promise<FileHandle> => open(path, 'r');

/** What tests may put in the system's place. */
export interface FileSystem {
  open?: typeof openToRead;
  readFolder?: ReadFolder;
}

/** The input at work: wires its parts, and scans until it is stopped. */
export class FileInput implements Input {
  readonly #config: FileInputConfig;
  readonly #deps: InputDeps;
  readonly #stopping = new AbortController();
  readonly #turnsPart: HealthPart;
  readonly #scanPart: HealthPart;
  readonly #patient: PatientRedis;
  readonly #book: SourceBook;
  readonly #follower: FileFollower;
  readonly #loop: ScanLoop;
  readonly #watch: FolderWatch;
  #nextSweepAt: number;
  #nextConfirmAt: number;
  /** Whether something happened that only a whole scan shows. */
  #hasNews = true;
  #nextWholeScanAt = 0;
  #scanned = false;
  /** Whether the system tells of all changes, which it does on file systems of this machine only; as the last whole scan found it. */
  #isTold = false;
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  /** @param system how files are opened and folders are read; for tests. */
  constructor(config: FileInputConfig, deps: InputDeps, system: FileSystem = {}) {
    const { open = openToRead, readFolder } = system;
    const { name, clock, logger, health } = deps;
    const stopping = this.#stopping.signal;
    this.#config = config;
    this.#deps = deps;
    const part = health.part(`input ${name}`, STALL_MS);
    this.#turnsPart = part;
    this.#scanPart = health.part(`input ${name} scan`, STALL_MS);
    const problems = createFileProblems(logger);
    const patient = createPatientRedis({ ...deps, part, stopping });
    const book = createSourceBook({ ...deps, input: name, forgetAfterMs: config.forget_after });
    this.#patient = patient;
    this.#book = book;
    const discovery = createDiscovery(
      config,
      { files: problems, folders: createFileProblems(logger, 'folder') },
      readFolder,
    );
    const settings = settingsOf(config, deps.partitions);
    const scanSoon = () => {
      this.#hasNews = true;
      this.#loop.soon();
    };
    const passedOver = createPassedOver({
      ...deps,
      input: name,
      start: config.start,
      ignoreOlderMs: config.ignore_older,
    });
    const parts = { discovery, book, patient, passedOver, problems, part };
    this.#follower = new FileFollower({ input: deps, settings, stopping, open, scanSoon, ...parts });
    this.#loop = createScanLoop({
      clock,
      intervalMs: config.scan_interval,
      stopping,
      scan: () => this.#scan(),
      poke: (path) => this.#follower.poke(path),
    });
    this.#watch = createFolderWatch(
      {
        written: (path) => {
          if (this.#follower.follows(path)) this.#loop.written(path);
        },
        renamed: scanSoon,
      },
      logger,
    );
    this.#nextSweepAt = clock.now() + this.#sweepIntervalMs;
    this.#nextConfirmAt = clock.now() + CONFIRM_INTERVAL_MS;
  }

  async start(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const first = this.#scan();
    this.#running = first.then(() => this.#loop.run());
    await first;
    this.#scanned = true;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  trouble(): string | undefined {
    const { name } = this.#deps;
    if (this.#stopping.signal.aborted) return `input ${name} is stopping`;
    return this.#scanned ? this.#patient.trouble() : `input ${name} has not looked for its files yet`;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await orForced(Promise.all([this.#running, this.#follower.stop()]), this.#deps.force);
    this.#watch.close();
    await this.#follower.close();
    this.#turnsPart.remove();
    this.#scanPart.remove();
  }

  async #scan(): Promise<void> {
    const { logger } = this.#deps;
    this.#scanPart.begin();
    try {
      if (this.#hasNews || this.#deps.clock.now() >= this.#nextWholeScanAt) await this.#scanWhole();
      else await this.#follower.glance();
      if (this.#stopping.signal.aborted) return;
      await this.#keepHouse();
    } catch (error) {
      if (!isSystemError(error)) return this.#deps.fail(error);
      logger.warn({ error: describeError(error) }, 'files cannot be looked for; trying again');
    } finally {
      this.#scanPart.idle();
    }
  }

  /** Looks at every file; less often while the system can be expected to tell of whatever happens to them. */
  async #scanWhole(): Promise<void> {
    const { watch, scan_interval } = this.#config;
    this.#hasNews = false;
    await this.#follower.scan(this.#isTold);
    if (this.#stopping.signal.aborted || !watch) return;
    const { folders } = this.#follower;
    this.#watch.watch(folders);
    this.#isTold = this.#follower.isInFolders && this.#watch.covers(folders) && (await areToldOf(folders));
    const intervals = this.#isTold ? TOLD_INTERVALS : 1;
    this.#nextWholeScanAt = this.#deps.clock.now() + scan_interval * (intervals - 0.5);
  }

  get #sweepIntervalMs(): number {
    return Math.min(SWEEP_INTERVAL_MS, this.#config.forget_after);
  }

  /** From time to time; neither is a scan's business. */
  async #keepHouse(): Promise<void> {
    const now = this.#deps.clock.now();
    try {
      if (now >= this.#nextConfirmAt) {
        this.#nextConfirmAt = now + CONFIRM_INTERVAL_MS;
        await this.#follower.confirm();
      }
      if (now >= this.#nextSweepAt) {
        this.#nextSweepAt = now + this.#sweepIntervalMs;
        await this.#book.sweep();
      }
    } catch (error) {
      // Redis is away; nothing hangs on it, and what was not got to is there the next time.
      if (!(error instanceof RetriableError)) throw error;
    }
  }
}

/** Measured with 40 partitions: entries of 10 logs, as 128 KiB make them, cost Redis, processors and sinks about twice as much as entries of 50. */
export function batchBytesOf(partitions: number): number {
  return Math.min(Math.max(BATCH_BYTES.perPartition * partitions, BATCH_BYTES.min), BATCH_BYTES.max);
}

function settingsOf(config: FileInputConfig, partitions: number) {
  const charset = createCharset(config.encoding, config.on_bad_bytes);
  return {
    framing: createFraming(config.framing, { charset, recordBytesMax: config.line_bytes_max }),
    lineBytesMax: config.line_bytes_max,
    lastLineAfterMs: config.last_line_after,
    batchBytesMax: config.batch_bytes_max ?? batchBytesOf(partitions),
    filesOpenMax: config.files_open_max,
    closeAfterMs: config.close_after,
  };
}

/** Waits for the work, but not once waiting is pointless. */
async function orForced(work: Promise<unknown>, force: AbortSignal): Promise<void> {
  if (force.aborted) return;
  let onForce = () => {};
  const forced = new Promise<void>((resolve) => {
    onForce = resolve;
  });
  force.addEventListener('abort', onForce, { once: true });
  await Promise.race([work, forced]);
  force.removeEventListener('abort', onForce);
}
