import type { FileHandle } from 'node:fs/promises';
import type { HealthPart } from '../../../common/health.ts';
import type { PatientRedis } from './append.ts';
import type { BeginDeps, TailerSettings } from './begin.ts';
import type { OneByOne } from './beginnings.ts';
import type { SourceBook } from './book.ts';
import type { Discovery } from './discovery.ts';
import type { PassedOver } from './passed-over.ts';
import type { FileProblems } from './problems.ts';
import type { InputDeps } from '../input.ts';

/** What the follower is given. */
export interface FollowerDeps {
  input: InputDeps;
  settings: FollowerSettings;
  discovery: Discovery;
  book: SourceBook;
  patient: PatientRedis;
  passedOver: PassedOver;
  problems: FileProblems;
  /** Tells whether turns get anywhere. */
  part: HealthPart;
  stopping: AbortSignal;
  readonly open: (path: string) => Promise<FileHandle>;
  /** The next scan should come soon. */
  scanSoon(): void;
}

export interface FollowerSettings extends TailerSettings {
  batchBytesMax: number;
  filesOpenMax: number;
  closeAfterMs: number;
}

/** What the follower gives to each file. */
export interface TailerDeps extends BeginDeps, Pick<InputDeps, 'logger'> {
  oneByOne: OneByOne;
  readonly open: (path: string) => Promise<FileHandle>;
}
