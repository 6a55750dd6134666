import { mdOf, stampMd } from './message.ts';
import type { StandInMessage } from './message.ts';
import { StandInQueue } from './queue.ts';
import type { QueueDefinition } from './queue.ts';

/** Reason codes that the stand-in gives by itself; every other one a test asks it for. */
export const REASON = {
  ok: 0,
  notAuthorized: 2035,
  truncatedFailed: 2080,
  truncatedAccepted: 2079,
  handleError: 2019,
  noMessage: 2033,
  queueFull: 2053,
  syncpointLimit: 2024,
  unknownQueue: 2085,
  selectorError: 2067,
} as const;

const GMO = {
  syncpoint: 0x2,
  wait: 0x1,
  browseFirst: 0x10,
  browseNext: 0x20,
  acceptTruncated: 0x40,
} as const;
const MATCH_MESSAGE_ID = 0x1;
const PMO_SYNCPOINT = 0x2;
const INQUIRE = { depth: 3, depthMax: 15, backoutThreshold: 22, backoutQueue: 2019 } as const;
const NAME_BYTES = 48;
const DEPTH_MAX = 1_000_000;

/** How a verb ended: 0 ok, 1 warning, 2 failed. */
export interface Verdict {
  code: 0 | 1 | 2;
  reason: number;
}
export const OK: Verdict = { code: 0, reason: REASON.ok };
export const failed = (reason: number): Verdict => ({ code: 2, reason });

interface Handle {
  name: string;
  queue: StandInQueue;
  /** What a browse has not come to yet. */
  unbrowsed: StandInMessage[];
}

/** One connection's work: its open queues, and what it has got and put under syncpoint since its last commit. */
export class Session {
  readonly handles = new Map<number, Handle>();
  got: { handle: Handle; message: StandInMessage }[] = [];
  put: { queue: StandInQueue; message: StandInMessage }[] = [];
  /** Its connection is gone: nothing may be handed to it any more. */
  ended = false;
}

export interface GetRequest {
  handle: number;
  options: number;
  waitMs: number;
  match: number;
  bytesMax: number;
  messageId: Buffer;
}

export interface Got extends Verdict {
  md?: Buffer;
  /** Of the whole message, also where `data` is a part of it. */
  length?: number;
  data?: Buffer;
}

/** Queues, handles and units of work, as a queue manager keeps them: nothing of it knows connections or bytes on wires. */
export class StandInQueueManager {
  readonly queues = new Map<string, StandInQueue>();
  /** Messages that were got and committed, by queue. */
  readonly committed = new Map<string, number>();
  /** How often a message came back to its queue. */
  cameBack = 0;
  /** Messages that are got or put under syncpoint now. */
  uncommitted = 0;
  readonly #uncommittedMax: number;
  readonly #waiting = new Set<() => boolean>();
  #numbers = 0;

  /** @param uncommittedMax MAXUMSGS. */
  constructor(queues: Readonly<Record<string, QueueDefinition>>, uncommittedMax = 10_000) {
    for (const [name, definition] of Object.entries(queues))
      this.queues.set(name, new StandInQueue(definition));
    this.#uncommittedMax = uncommittedMax;
  }

  open(session: Session, name: string): Verdict & { handle: number } {
    const queue = this.queues.get(name);
    if (queue === undefined) return { ...failed(REASON.unknownQueue), handle: -1 };
    const handle = Math.max(0, ...session.handles.keys()) + 1;
    session.handles.set(handle, { name, queue, unbrowsed: [] });
    return { ...OK, handle };
  }

  close(session: Session, handle: number): Verdict {
    return session.handles.delete(handle) ? OK : failed(REASON.handleError);
  }

  /** @param answer called once, when there is a message or its time is over; the caller's to ignore if nobody waits any more. */
  get(session: Session, request: GetRequest, answer: (got: Got) => void): void {
    const attempt = () => {
      if (session.ended) return true;
      const got = this.#tryGet(session, request);
      if (got !== undefined) answer(got);
      return got !== undefined;
    };
    if (attempt()) return;
    if ((request.options & GMO.wait) === 0) return answer(failed(REASON.noMessage));
    const waiter = () => {
      if (!attempt()) return false;
      clearTimeout(timer);
      return true;
    };
    const timer = setTimeout(() => {
      this.#waiting.delete(waiter);
      answer(failed(REASON.noMessage));
    }, request.waitMs);
    this.#waiting.add(waiter);
  }

  #tryGet(session: Session, { handle, options, match, bytesMax, messageId }: GetRequest): Got | undefined {
    const open = session.handles.get(handle);
    if (open === undefined) return failed(REASON.handleError);
    if (options & (GMO.browseFirst | GMO.browseNext)) return browse(open, options, bytesMax);
    const byId = match & MATCH_MESSAGE_ID && messageId.some((byte) => byte !== 0);
    const message = open.queue.peek(byId ? messageId : undefined);
    if (message === undefined) return undefined;
    const got = messageFor(message, options, bytesMax);
    if (got.code !== 0 && got.reason !== REASON.truncatedAccepted) return got;
    if (options & GMO.syncpoint) {
      if (session.got.length + session.put.length >= this.#uncommittedMax)
        return failed(REASON.syncpointLimit);
      session.got.push({ handle: open, message });
      this.uncommitted += 1;
    } else {
      this.#count(open.name);
    }
    open.queue.remove(message);
    return got;
  }

  /** @param md stamped in place. */
  put(
    session: Session | undefined,
    target: StandInQueue | undefined,
    md: Buffer,
    data: Buffer,
    options: number,
  ): Verdict {
    if (target === undefined) return failed(REASON.handleError);
    if (target.depth >= (target.definition.depthMax ?? DEPTH_MAX)) return failed(REASON.queueFull);
    this.#numbers += 1;
    stampMd(md, this.#numbers, new Date());
    const message = { md, data, number: this.#numbers, backoutCount: 0 };
    if (session !== undefined && options & PMO_SYNCPOINT) {
      session.put.push({ queue: target, message });
      this.uncommitted += 1;
    } else {
      target.add(message);
      this.#serve();
    }
    return OK;
  }

  commit(session: Session): Verdict {
    for (const { handle } of session.got) this.#count(handle.name);
    for (const { queue, message } of session.put) queue.add(message);
    return this.#ended(session);
  }

  /** A connection that is lost: its unit of work is backed out. */
  end(session: Session): void {
    session.ended = true;
    this.back(session);
  }

  back(session: Session): Verdict {
    for (const { handle, message } of session.got) {
      message.backoutCount += 1;
      handle.queue.giveBack(message);
      this.cameBack += 1;
    }
    return this.#ended(session);
  }

  /** A unit of work is over. */
  #ended(session: Session): Verdict {
    this.uncommitted -= session.got.length + session.put.length;
    session.got = [];
    session.put = [];
    this.#serve();
    return OK;
  }

  inquire(
    session: Session,
    handle: number,
    selectors: readonly number[],
  ): Verdict & { numbers: number[]; texts: string[] } {
    const queue = session.handles.get(handle)?.queue;
    const answer = { numbers: [] as number[], texts: [] as string[] };
    if (queue === undefined) return { ...failed(REASON.handleError), ...answer };
    const { backoutThreshold = 0, backoutQueue = '', depthMax = DEPTH_MAX } = queue.definition;
    for (const selector of selectors) {
      if (selector === INQUIRE.depth) answer.numbers.push(queue.depth);
      else if (selector === INQUIRE.depthMax) answer.numbers.push(depthMax);
      else if (selector === INQUIRE.backoutThreshold) answer.numbers.push(backoutThreshold);
      else if (selector === INQUIRE.backoutQueue) answer.texts.push(backoutQueue.padEnd(NAME_BYTES));
      else return { ...failed(REASON.selectorError), numbers: [], texts: [] };
    }
    return { ...OK, ...answer };
  }

  #count(name: string): void {
    this.committed.set(name, (this.committed.get(name) ?? 0) + 1);
  }

  /** Lets those who wait for a message look again, in the order in which they came. */
  #serve(): void {
    for (const waiter of this.#waiting) if (waiter()) this.#waiting.delete(waiter);
  }
}

function browse(open: Handle, options: number, bytesMax: number): Got {
  if (options & GMO.browseFirst) open.unbrowsed = open.queue.list();
  const message = open.unbrowsed[0];
  if (message === undefined) return failed(REASON.noMessage);
  const got = messageFor(message, options, bytesMax);
  // One that did not fit is shown again.
  if (got.reason !== REASON.truncatedFailed) open.unbrowsed.shift();
  return got;
}

function messageFor(message: StandInMessage, options: number, bytesMax: number): Got {
  const { data } = message;
  const all = { md: mdOf(message), length: data.length, data: data.subarray(0, bytesMax) };
  if (data.length <= bytesMax) return { ...OK, ...all };
  const accepted = (options & GMO.acceptTruncated) !== 0;
  return { code: 1, reason: accepted ? REASON.truncatedAccepted : REASON.truncatedFailed, ...all };
}
