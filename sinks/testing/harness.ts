import type { StreamKind } from '../../common/redis/keys.ts';
import type { sinks, SinkConfig } from '../registry.ts';
import type { Sink } from '../sink.ts';

/** How the suite comes by a store of a sink's type. */
export interface SinkHarness {
  /** Why it cannot be had on this machine, in words: the suite is skipped then, and says so. */
  missing?: string | undefined;
  start(): Promise<SinkStore>;
}

/** A store of the suite's own, empty, and what has to be known of it. */
export interface SinkStore {
  /** A config of a sink on it, with these settings besides. */
  config(more?: object): SinkConfig;
  /** Settings with which the store lets nobody in; undefined for one that lets in everybody. */
  wrongPassword?: object;
  /** How many rows of a kind it holds, without any merging at the time of asking. */
  count(stream: StreamKind): Promise<number>;
  /** What it shows of a transaction to somebody who asks. */
  summary(transactionId: string): Promise<{ status: string; version: number } | undefined>;
  /** What it shows of dead letters, by their stage. */
  deadLetters(eventId: string): Promise<{ stage: string; reason: string; raw: Buffer }[]>;
  /** Cannot be reached, or can again. */
  setAway(away: boolean): void | Promise<void>;
  /** The answer to the next batch is lost: the store has it, and nobody hears of it. Undefined for a store without a network. */
  loseAnswer?: () => void;
  /** Takes everything and answers nothing, or answers again, and how much it left unanswered. Undefined for a store without a network. */
  silence?: { set(silent: boolean): void; unanswered(): number };
  stop(): Promise<void>;
}

/** What the tests of a suite share. */
export interface Lab {
  type: keyof typeof sinks;
  /** Another sink on the store; whoever makes one closes it. */
  make: (more?: object) => Sink;
  store: () => SinkStore;
  sink: () => Sink;
}
