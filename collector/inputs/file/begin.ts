import { createRecordMaker } from './records.ts';
import type { RecordMaker, RecordMakerDeps } from './records.ts';
import type { SourceAppender } from '../../append.ts';
import type { Framer, Framing } from '../../framing/framer.ts';
import type { PatientRedis } from './append.ts';
import { isArchive } from './archive.ts';
import type { SourceBook } from './book.ts';
import type { Content, Looks } from './content.ts';
import type { FoundFile } from './discovery.ts';
import { isTelling } from './identity.ts';
import type { PassedOver } from './passed-over.ts';
import { beforeIn, secondOf } from './likeness.ts';
import type { Held, Source } from './source.ts';
import { lastRecordEnd, readFirstRecord, skipHole } from './start.ts';
import type { InputDeps } from '../input.ts';

export interface BeginDeps extends Pick<InputDeps, 'appender'>, RecordMakerDeps, TailerSettings {
  book: SourceBook;
  patient: PatientRedis;
  passedOver: PassedOver;
}

export interface TailerSettings {
  framing: Framing;
  lineBytesMax: number;
  lastLineAfterMs: number;
}

/** A file as it was when it was first met. */
export interface MetFile extends FoundFile {
  /** Whether it was there when the input started. */
  isOld: boolean;
}

/** A source as it is read. */
export interface Reading {
  source: Source;
  appender: SourceAppender;
  framer: Framer;
  /** The last bytes before where reading goes on; empty when they are not known. */
  marker: Buffer;
  records: RecordMaker;
}

export type Beginning =
  | { kind: 'reading'; reading: Reading }
  /** It has nothing to be known by yet, or is left alone. */
  | { kind: 'waiting' }
  /** It is a copy of what another file holds, or may be. */
  | ({ kind: 'held' } & Held)
  /** What the last scan said of it does not hold any more. */
  | { kind: 'moved' };

/**
 * Finds out which source a file is, and opens it where Redis says that it stands. A file without a whole first line has nothing to be
 * known by, as long as it may get one.
 *
 * @param head how its content begins. @param looks as it was before that was read. @param isSettled whether it has not grown for a while.
 */
export async function begin(
  deps: BeginDeps,
  file: MetFile,
  content: Content,
  head: Buffer,
  looks: Looks,
  isSettled: boolean,
): Promise<Beginning> {
  const { book, patient } = deps;
  const isTold = isTelling(head) || (head.length > 0 && isSettled);
  if (!isTold) {
    // A new log may long be empty, and have the inode of one that was packed: the archive would wait for it.
    await patient.patiently(() => book.endLongerThan(head.length, file));
    return { kind: 'waiting' };
  }
  const archived = isArchive(file.path);
  let second: Promise<Buffer> | undefined;
  const candidate = {
    ...file,
    head,
    isArchive: archived,
    isSettled,
    before: (at: number, bytes: number) => beforeIn(content, at, bytes),
    second: () => (second ??= secondOf(content)),
    length: () => content.length(looks),
    start: async () => {
      if (!archived && (await deps.passedOver.has(file))) return lastRecordEnd(content, file.bytes, deps);
      return skipHole(content, head, deps);
    },
  };
  // Where an old one would have ended is not known before it is unpacked; it does not grow.
  if (archived && (await patient.patiently(() => deps.passedOver.has(file)))) return { kind: 'waiting' };
  const source = await patient.patiently(() => book.identify(candidate));
  if (source === undefined) return { kind: 'moved' };
  if ('heldBy' in source) return { kind: 'held', ...source };
  try {
    return { kind: 'reading', reading: await open(deps, source, content, head) };
  } catch (error) {
    // Or the next attempt would take it for another file's.
    book.release(source);
    throw error;
  }
}

async function open(deps: BeginDeps, source: Source, content: Content, head: Buffer): Promise<Reading> {
  const { patient, appender, name, framing } = deps;
  const opened = await patient.patiently(() => appender.openSource(name, source.id));
  const first = await skipHole(content, head, deps);
  const start = Math.max(opened.lowWater, source.record.start ?? 0);
  const known = () => (deps.pipeline.usesHeader ? readFirstRecord(content, first, start, deps) : null);
  const header = start === first ? undefined : await known();
  const records = createRecordMaker(deps, source.id, header);
  return { source, appender: opened, framer: framing.open(start), marker: Buffer.alloc(0), records };
}
