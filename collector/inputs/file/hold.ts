import type { Clock } from '../../../common/clock.ts';
import type { Logger } from '../../../common/logger.ts';
import type { SourceBook } from './book.ts';
import type { Held } from './source.ts';

export interface HoldDeps {
  book: SourceBook;
  clock: Clock;
  logger: Logger;
  lastLineAfterMs: number;
}

/** A file waits, since it is a copy of what another one holds, or may be. What is not sure is asked again; what lasts is told. */
export class Hold {
  readonly isSure: boolean;
  readonly #deps: HoldDeps;
  readonly #held: Held;
  readonly #askedAt: number;
  /** How far the other file was read then. */
  readonly #otherAt: number | undefined;
  /** Whether that was all of it. What was not read yet may be written anew, and nobody would notice. */
  readonly #wasOtherRead: boolean;
  #isTold: boolean;

  /** @param last why it waited until now. */
  constructor(deps: HoldDeps, held: Held, last: Hold | undefined) {
    this.isSure = held.isSure;
    this.#deps = deps;
    this.#held = held;
    this.#askedAt = deps.clock.now();
    this.#otherAt = held.other()?.readTo?.at;
    this.#wasOtherRead = held.other()?.file?.unreadBytes === 0;
    this.#isTold =
      last !== undefined && last.#isTold && last.#held.heldBy === held.heldBy && last.isSure === held.isSure;
  }

  /** Whether it should be found out anew what the file is, though it has not changed. */
  get isDue(): boolean {
    const { book, clock, lastLineAfterMs } = this.#deps;
    if (!book.isTaken(this.#held.heldBy)) return true;
    if (!(this.isSure && this.#wasOtherRead) && this.#hasOtherMoved) return true;
    const isKnown = this.isSure && this.#isTold;
    return !isKnown && clock.now() - this.#askedAt >= lastLineAfterMs;
  }

  /** Whether there is more of the other file to compare with, once that is read to its end. */
  get #hasOtherMoved(): boolean {
    const other = this.#held.other();
    return other !== undefined && other.readTo?.at !== this.#otherAt && other.file?.unreadBytes === 0;
  }

  /** Once for each reason. @param isSettled whether it has not grown for a while: copies that rotation makes are done before. */
  tell(path: string, isSettled: boolean): void {
    if (this.#isTold || !isSettled) return;
    this.#isTold = true;
    const { logger } = this.#deps;
    const told = { path, other: this.#held.otherPath, source: this.#held.heldBy };
    if (this.isSure) logger.info(told, 'file is not read: all that it holds is in another file, which is');
    else logger.warn(told, 'file is not read yet: it cannot be told whether it is a copy of another file');
  }
}
