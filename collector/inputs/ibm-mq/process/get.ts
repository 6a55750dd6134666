import type { Answer, GetTask, Message, QueueFacts, Report } from '../protocol.ts';
import type { ConnectionHandle, MqLibrary, QueueHandle } from './library.ts';
import {
  callVerb,
  connect,
  failureOf,
  inquire,
  MESSAGE_BYTES_MAX,
  messageOf,
  MqFailure,
  openQueue,
} from './session.ts';
import type { Got } from './session.ts';

/** Tells the collector, and waits for what it says. */
export type Ask = (report: Report) => Promise<Answer>;

const NO_MESSAGE = 2033;
const NOT_AUTHORIZED = 2035;
/** Kinds of queues that have no such attributes, as aliases. */
const NO_SUCH_ATTRIBUTE = new Set([2067, 2068]);
const TRUNCATED = 2080;
const CONVERTED_TOO_BIG = 2120;
/** Text of another encoding has at most so many times as many bytes in UTF-8. */
const CONVERSION_GROWTH = 3;

/** Gets a queue's messages batch by batch until the answer is to stop. Throws an MqFailure when a verb fails. */
export async function getMessages(mq: MqLibrary, task: GetTask, ask: Ask): Promise<void> {
  const connection = connect(mq, task.connection);
  const { queue, facts } = openToGet(mq, connection, task);
  const getter = new BatchGetter(mq, queue, task);
  let answer = await ask({ kind: 'connected', facts });
  while (answer.kind !== 'stop') {
    const batch = getter.next();
    if (batch === 'too small') {
      // What was got comes back, and is got again into a larger buffer.
      callVerb((callback) => mq.Back(connection, callback));
      continue;
    }
    answer =
      batch.length === 0
        ? await ask({ kind: 'idle' })
        : await settle(mq, connection, getter.got, await ask({ kind: 'batch', messages: batch }), ask);
  }
  callVerb((callback) => mq.DiscSync(connection, callback));
}

function openToGet(
  mq: MqLibrary,
  connection: ConnectionHandle,
  task: GetTask,
): { queue: QueueHandle; facts: QueueFacts } {
  const { MQC } = mq;
  const sharing = task.exclusive ? MQC.MQOO_INPUT_EXCLUSIVE : MQC.MQOO_INPUT_SHARED;
  // Read ahead would take messages into our memory before we ask for them, and lose those that are not persistent.
  const options = sharing | MQC.MQOO_NO_READ_AHEAD;
  try {
    const queue = openQueue(mq, connection, task.queue, options | MQC.MQOO_INQUIRE);
    return { queue, facts: factsOf(mq, queue) };
  } catch (error) {
    if (!(error instanceof MqFailure) || error.reason !== NOT_AUTHORIZED) throw error;
    // A user who may get but not inquire; one who may neither is told by this second attempt.
    return { queue: openQueue(mq, connection, task.queue, options), facts: {} };
  }
}

function factsOf(mq: MqLibrary, queue: QueueHandle): QueueFacts {
  try {
    return inquire(mq, queue);
  } catch (error) {
    if (error instanceof MqFailure && NO_SUCH_ATTRIBUTE.has(error.reason)) return {};
    throw error;
  }
}

/** Does with the batch what the collector said; the answer to what came of it. */
async function settle(
  mq: MqLibrary,
  connection: ConnectionHandle,
  batch: readonly Got[],
  verdict: Answer,
  ask: Ask,
): Promise<Answer> {
  if (verdict.kind === 'commit') {
    const failures = verdict.setAside.flatMap((index) => {
      const reason = setAside(mq, connection, verdict.backoutQueue, batch[index]);
      return reason === undefined ? [] : [{ index, reason }];
    });
    if (failures.length > 0)
      return settle(mq, connection, batch, await ask({ kind: 'not_set_aside', failures }), ask);
    callVerb((callback) => mq.Cmit(connection, callback));
  } else {
    callVerb((callback) => mq.Back(connection, callback));
  }
  return ask({ kind: 'settled' });
}

/** Puts the message to the backout queue in the same unit of work. Why it could not, if so. Throws if the connection is the matter. */
function setAside(
  mq: MqLibrary,
  connection: ConnectionHandle,
  queue: string,
  message: Got | undefined,
): number | undefined {
  if (message === undefined)
    throw new RangeError('the collector named a message that the batch does not have');
  const { MQC } = mq;
  const object = new mq.MQOD();
  object.ObjectName = queue;
  object.ObjectType = MQC.MQOT_Q;
  const options = new mq.MQPMO();
  // The message keeps its ids.
  options.Options = MQC.MQPMO_SYNCPOINT | MQC.MQPMO_FAIL_IF_QUIESCING;
  try {
    callVerb((callback) =>
      mq.Put1Sync(connection, object, message.descriptor, options, message.data, callback),
    );
    return undefined;
  } catch (error) {
    if (error instanceof MqFailure && !isConnectionLost(error.reason)) return error.reason;
    throw error;
  }
}

/** The unit of work is gone with it. */
function isConnectionLost(reason: number): boolean {
  return [2003, 2009, 2018, 2161, 2162, 2202, 2203, 2223].includes(reason);
}

/** Gets under syncpoint into a buffer that grows. */
class BatchGetter {
  /** The messages of the last batch. */
  got: Got[] = [];
  readonly #mq: MqLibrary;
  readonly #queue: QueueHandle;
  readonly #task: GetTask;
  readonly #options: number;
  #buffer: Buffer;

  constructor(mq: MqLibrary, queue: QueueHandle, task: GetTask) {
    const { MQC } = mq;
    this.#mq = mq;
    this.#queue = queue;
    this.#task = task;
    this.#options =
      MQC.MQGMO_SYNCPOINT |
      MQC.MQGMO_FAIL_IF_QUIESCING |
      // Properties come as an RFH2 header, whoever put them and however the queue is defined.
      MQC.MQGMO_PROPERTIES_FORCE_MQRFH2 |
      (task.convert ? MQC.MQGMO_CONVERT : 0);
    this.#buffer = Buffer.allocUnsafeSlow(task.bufferBytes);
  }

  /**
   * Up to so many messages, or what comes within the batch's time after the first. Empty if none came within the wait. `too small`: the buffer was, for a
   * conversion, and has grown; the unit of work must be backed out.
   */
  next(): Message[] | 'too small' {
    const { batchMessagesMax, batchBytesMax, batchMs, waitMs } = this.#task;
    const messages: Message[] = [];
    this.got = [];
    let bytes = 0;
    let deadline = 0;
    while (messages.length < batchMessagesMax && bytes < batchBytesMax) {
      const left = messages.length === 0 ? waitMs : Math.ceil(deadline - performance.now());
      const message = this.#get(Math.max(left, 0));
      if (message === undefined) break;
      if (message === 'too small') return message;
      if (messages.length === 0) deadline = performance.now() + batchMs;
      messages.push(message);
      bytes += message.data.length;
      // One that came back before may be why: it ends its batch, so that it takes as few others as possible back with it.
      if (message.descriptor.backoutCount > 0) break;
    }
    return messages;
  }

  #get(waitMs: number): Message | undefined | 'too small' {
    for (;;) {
      const { descriptor, reason, length } = this.#call(waitMs);
      if (reason === NO_MESSAGE) return undefined;
      if (reason === TRUNCATED) {
        this.#grow(length);
        continue;
      }
      if (reason === CONVERTED_TOO_BIG) {
        this.#grow(Math.min(length * CONVERSION_GROWTH, MESSAGE_BYTES_MAX));
        return 'too small';
      }
      const got = { descriptor, data: Buffer.from(this.#buffer.subarray(0, length)) };
      this.got.push(got);
      return messageOf(this.#mq, got, reason === 0 ? undefined : reason);
    }
  }

  #call(waitMs: number) {
    const { MQC, MQGMO, MQMD } = this.#mq;
    const descriptor = new MQMD();
    descriptor.CodedCharSetId = 1208;
    const options = new MQGMO();
    options.Options = this.#options | (waitMs > 0 ? MQC.MQGMO_WAIT : MQC.MQGMO_NO_WAIT);
    options.WaitInterval = waitMs;
    options.MatchOptions = MQC.MQMO_NONE;
    let answer = { reason: 0, length: 0 };
    const { stackTraceLimit } = Error;
    // The package makes an Error in every call, also in one that succeeds; its stack took a third of the time.
    Error.stackTraceLimit = 0;
    this.#mq.GetSync(this.#queue, descriptor, options, this.#buffer, (error, length) => {
      Error.stackTraceLimit = stackTraceLimit;
      answer = { reason: error ? reasonToBear(error) : 0, length };
    });
    return { descriptor, ...answer };
  }

  #grow(bytes: number): void {
    // It was large enough for every message that there can be.
    if (this.#buffer.length >= MESSAGE_BYTES_MAX) throw new MqFailure('GET', TRUNCATED);
    this.#buffer = Buffer.allocUnsafeSlow(
      Math.min(Math.max(bytes, this.#buffer.length * 2), MESSAGE_BYTES_MAX),
    );
  }
}

/** Reasons with which the getter goes on: no message, a buffer that must grow, a text that came as it was. Throws for the others. */
function reasonToBear(error: unknown): number {
  const failure = failureOf(error);
  if (!(failure instanceof MqFailure)) throw failure;
  const { reason } = failure;
  if (reason === NO_MESSAGE || reason === TRUNCATED || (reason >= 2110 && reason <= 2120)) return reason;
  throw failure;
}
