import type { Content } from './content.ts';
import type { SourceRecord } from './identity.ts';

/** A source that a file is read as. */
export interface Source {
  readonly id: string;
  /** How its content begins, as far as that is known. */
  head: Buffer;
  record: SourceRecord;
  /** The last bytes that were read of it, and where they end. */
  readTo: { at: number; bytes: Buffer } | undefined;
  /** The file, once it is read. */
  file?: SourceFile;
  /** What stands behind its first kilobyte, of the second one, once another file was compared with it. */
  second?: Buffer;
}

/** A file that is read as a source, as another one sees it that is compared with it. */
export interface SourceFile {
  readonly path: string;
  /** Whether all that it holds was read, and nothing came for as long as a last line is waited for. */
  readonly isAtRest: boolean;
  /** Bytes that are known to be there and were not read. */
  readonly unreadBytes: number;
  /** Lends its content while it is looked into. Undefined if that cannot be now. */
  peek<T>(look: (content: Content) => Promise<T>): Promise<T | undefined>;
}

/** A file that is not read, since it is a copy of what another one holds, or may be. */
export interface Held {
  heldBy: string;
  /** Whether it is known to hold nothing but what the other one holds: it stays so until it changes. */
  isSure: boolean;
  /** Where the other one is. */
  otherPath: string;
  /** The source as it is read now; undefined while it waits to be. */
  readonly other: () => Source | undefined;
}
