import type { Connection, Message, MessageDescriptor, QueueFacts } from '../protocol.ts';
import type { Callback, ConnectionHandle, Descriptor, MqLibrary, QueueHandle } from './library.ts';

/** A verb that failed. */
export class MqFailure extends Error {
  override readonly name = 'MqFailure';
  readonly verb: string;
  readonly reason: number;

  constructor(verb: string, reason: number) {
    super(`MQ${verb} failed with reason ${reason}`);
    this.verb = verb;
    this.reason = reason;
  }
}

/** The largest message that MQ knows. */
export const MESSAGE_BYTES_MAX = 100 * 1024 * 1024;

/** Calls a verb that calls back before it returns. Throws an MqFailure for every completion code but MQCC_OK. */
export function callVerb<T>(verb: (callback: Callback<T>) => void): T {
  let answer: { error: unknown; result: T | undefined } | undefined;
  verb((error, result) => {
    answer = { error, result };
  });
  if (answer === undefined) throw new TypeError('the ibmmq package did not call back at once');
  if (answer.error) throw failureOf(answer.error);
  return answer.result as T;
}

/** The package's own error class has the two numbers. */
export function failureOf(error: unknown): Error {
  if (error instanceof Error && 'mqrc' in error && 'verb' in error)
    return new MqFailure(String(error.verb), Number(error.mqrc));
  return error instanceof Error ? error : new Error(String(error));
}

export function connect(mq: MqLibrary, settings: Connection): ConnectionHandle {
  const { MQC } = mq;
  const options = new mq.MQCNO();
  // We reconnect ourselves: the library's own way would go on with a unit of work that is gone.
  options.Options = MQC.MQCNO_CLIENT_BINDING | MQC.MQCNO_RECONNECT_DISABLED;
  options.ApplName = settings.program;
  if (settings.ccdtUrl !== undefined) options.CCDTUrl = settings.ccdtUrl;
  else options.ClientConn = channelOf(mq, settings);
  if (settings.user !== undefined) {
    const security = new mq.MQCSP();
    security.UserId = settings.user;
    security.Password = settings.password ?? '';
    options.SecurityParms = security;
  }
  if (settings.tls !== undefined) options.SSLConfig = keysOf(mq, settings.tls);
  return callVerb<ConnectionHandle>((callback) => mq.ConnxSync(settings.queueManager, options, callback));
}

function channelOf(mq: MqLibrary, { connectionName, channel, tls, heartbeatS }: Connection) {
  const definition = new mq.MQCD();
  definition.ConnectionName = connectionName ?? '';
  definition.ChannelName = channel ?? '';
  definition.MaxMsgLength = MESSAGE_BYTES_MAX;
  definition.HeartbeatInterval = heartbeatS;
  if (tls?.cipher !== undefined) definition.SSLCipherSpec = tls.cipher;
  if (tls?.peerName !== undefined) definition.SSLPeerName = tls.peerName;
  return definition;
}

function keysOf(mq: MqLibrary, tls: NonNullable<Connection['tls']>) {
  const keys = new mq.MQSCO();
  if (tls.keyRepository !== undefined) keys.KeyRepository = tls.keyRepository;
  if (tls.keyRepositoryPassword !== undefined) keys.KeyRepoPassword = tls.keyRepositoryPassword;
  if (tls.certificateLabel !== undefined) keys.CertificateLabel = tls.certificateLabel;
  return keys;
}

export function openQueue(
  mq: MqLibrary,
  handle: ConnectionHandle,
  queue: string,
  options: number,
): QueueHandle {
  const { MQC } = mq;
  const object = new mq.MQOD();
  object.ObjectName = queue;
  object.ObjectType = MQC.MQOT_Q;
  return callVerb<QueueHandle>((callback) =>
    mq.OpenSync(handle, object, options | MQC.MQOO_FAIL_IF_QUIESCING, callback),
  );
}

/** Asks a queue that was opened for inquiries. */
export function inquire(mq: MqLibrary, queue: QueueHandle): QueueFacts {
  const { MQC } = mq;
  const threshold = new mq.MQAttr(MQC.MQIA_BACKOUT_THRESHOLD);
  const backoutQueue = new mq.MQAttr(MQC.MQCA_BACKOUT_REQ_Q_NAME);
  callVerb((callback) => mq.Inq(queue, [threshold, backoutQueue], callback));
  return { backoutThreshold: Number(threshold.value), backoutQueue: String(backoutQueue.value).trim() };
}

/** One message as it was got, for whoever has to put it elsewhere. */
export interface Got {
  descriptor: Descriptor;
  data: Buffer;
}

export function messageOf({ MQC }: MqLibrary, { descriptor, data }: Got, unconverted?: number): Message {
  return {
    descriptor: describe(descriptor, MQC.MQPER_PERSISTENT),
    data,
    ...(unconverted === undefined ? {} : { unconverted }),
  };
}

function describe(md: Descriptor, persistent: number): MessageDescriptor {
  return {
    messageId: md.MsgId.toString('hex'),
    correlationId: md.CorrelId.toString('hex'),
    format: textOf(md.Format),
    ccsid: md.CodedCharSetId,
    encoding: md.Encoding,
    priority: md.Priority,
    persistent: md.Persistence === persistent,
    backoutCount: md.BackoutCount,
    replyToQueue: textOf(md.ReplyToQ),
    replyToQueueManager: textOf(md.ReplyToQMgr),
    user: textOf(md.UserIdentifier),
    program: textOf(md.PutApplName),
    putDate: textOf(md.PutDate),
    putTime: textOf(md.PutTime),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.replace(/[\0 ]+$/, '') : '';
}
