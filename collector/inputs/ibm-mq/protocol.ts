/**
 * What a collector and an MQ process of its own say to one another. All MQ calls are made in such processes, since they block until the
 * queue manager answers (docs/decisions/020-mq-processes.md).
 *
 * The process reports, and waits for the answer before it does anything else: so at most one batch is on its way, and
 * nothing is committed that its collector did not ask for. The first report is `loaded` or `missing`, whose answer is the task.
 */

/** How a queue manager is reached; texts are handed to the client library as they are. */
export interface Connection {
  queueManager: string;
  /** `host(port),host(port)`, tried in this order. */
  connectionName?: string;
  channel?: string;
  /** URL of a client channel definition table, in place of the two above. */
  ccdtUrl?: string;
  user?: string;
  password?: string;
  tls?: {
    cipher?: string;
    keyRepository?: string;
    keyRepositoryPassword?: string;
    certificateLabel?: string;
    peerName?: string;
  };
  /** Name under which the queue manager shows the connection. */
  program: string;
  /** Seconds between heartbeats of a connection where nothing goes on. */
  heartbeatS: number;
}

/** Gets messages under syncpoint, batch by batch, until it is told to stop. */
export interface GetTask {
  kind: 'get';
  connection: Connection;
  queue: string;
  exclusive: boolean;
  /** Whether the queue manager converts texts to UTF-8. */
  convert: boolean;
  waitMs: number;
  batchMessagesMax: number;
  batchBytesMax: number;
  batchMs: number;
  /** Size of the buffer to begin with; it grows as messages need it. */
  bufferBytes: number;
}

/** Puts messages, each answered with `go_on` and the next one. */
export interface PutTask {
  kind: 'put';
  connection: Connection;
  queue: string;
  format: string;
  ccsid: number;
}

/** Shows messages without taking them. */
export interface BrowseTask {
  kind: 'browse';
  connection: Connection;
  queue: string;
  messagesMax: number;
  convert: boolean;
}

export type Task = GetTask | PutTask | BrowseTask;

/** Those fields of the MQMD that are of use to anybody here. */
export interface MessageDescriptor {
  messageId: string;
  correlationId: string;
  /** Blanks at the end are gone, in every text. */
  format: string;
  ccsid: number;
  encoding: number;
  priority: number;
  persistent: boolean;
  backoutCount: number;
  replyToQueue: string;
  replyToQueueManager: string;
  user: string;
  program: string;
  /** YYYYMMDD and HHMMSSTH, UTC. */
  putDate: string;
  putTime: string;
}

export interface Message {
  descriptor: MessageDescriptor;
  data: Uint8Array;
  /** Why the queue manager did not convert it, if it was asked to; a reason code. */
  unconverted?: number;
}

/** What a queue says of itself; undefined where the user may not ask. */
export interface QueueFacts {
  backoutThreshold?: number;
  backoutQueue?: string;
}

export type Report =
  | { kind: 'loaded' }
  /** There is no client library, or no package for it. The process ends. */
  | { kind: 'missing'; what: 'package' | 'library'; detail: string }
  | { kind: 'connected'; facts: QueueFacts }
  /** The wait was over without a message. */
  | { kind: 'idle' }
  | { kind: 'batch'; messages: Message[] }
  /** These messages of the batch could not be put to the backout queue, for these reasons; the unit of work is open still. */
  | { kind: 'not_set_aside'; failures: { index: number; reason: number }[] }
  /** The batch is committed, or backed out. */
  | { kind: 'settled' }
  /** Puts or shown messages are done. */
  | { kind: 'done' }
  /** A verb failed. The process ends; what it had got comes back to the queue. */
  | { kind: 'failed'; verb: string; reason: number };

export type Answer =
  | { kind: 'task'; task: Task }
  | { kind: 'go_on' }
  /** Puts the messages with these indexes to the backout queue, and commits all. */
  | { kind: 'commit'; setAside: readonly number[]; backoutQueue: string }
  | { kind: 'back_out' }
  | { kind: 'put'; data: Uint8Array }
  /** Disconnects and ends. */
  | { kind: 'stop' };
