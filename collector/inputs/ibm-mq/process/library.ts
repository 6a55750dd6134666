import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The ibmmq package, as far as we use it. Its types are written down here since it is an optional dependency: where it cannot be installed, everything
 * else compiles and runs all the same.
 */
export interface MqLibrary {
  MQC: Readonly<Record<ConstantName, number>>;
  MQCNO: new () => ConnectOptions;
  MQCD: new () => ChannelDefinition;
  MQCSP: new () => { UserId: string; Password: string };
  MQSCO: new () => { KeyRepository: string; KeyRepoPassword: string; CertificateLabel: string };
  MQOD: new () => { ObjectName: string; ObjectType: number };
  MQMD: new () => Descriptor;
  MQGMO: new () => { Options: number; MatchOptions: number; WaitInterval: number };
  MQPMO: new () => { Options: number };
  MQAttr: new (selector: number) => { value: unknown };
  ConnxSync(queueManager: string, options: object, callback: Callback<ConnectionHandle>): void;
  DiscSync(connection: ConnectionHandle, callback: Callback<undefined>): void;
  OpenSync(
    connection: ConnectionHandle,
    object: object,
    options: number,
    callback: Callback<QueueHandle>,
  ): void;
  GetSync(
    queue: QueueHandle,
    descriptor: Descriptor,
    options: object,
    buffer: Buffer,
    callback: (error: unknown, length: number) => void,
  ): void;
  PutSync(
    queue: QueueHandle,
    descriptor: Descriptor,
    options: object,
    data: Buffer,
    callback: Callback<undefined>,
  ): void;
  Put1Sync(
    connection: ConnectionHandle,
    object: object,
    descriptor: Descriptor,
    options: object,
    data: Buffer,
    callback: Callback<undefined>,
  ): void;
  Inq(queue: QueueHandle, attributes: object[], callback: Callback<object>): void;
  Cmit(connection: ConnectionHandle, callback: Callback<undefined>): void;
  Back(connection: ConnectionHandle, callback: Callback<undefined>): void;
}

/** Every verb that we call calls back before it returns. Those without a result leave it out. */
export type Callback<T> = (error: unknown, result?: T) => void;

declare const connection: unique symbol;
declare const queue: unique symbol;
export interface ConnectionHandle {
  [connection]: never;
}
export interface QueueHandle {
  [queue]: never;
}

interface ConnectOptions {
  Options: number;
  ApplName: string;
  CCDTUrl: string;
  ClientConn: object;
  SecurityParms: object;
  SSLConfig: object;
}

interface ChannelDefinition {
  ConnectionName: string;
  ChannelName: string;
  MaxMsgLength: number;
  HeartbeatInterval: number;
  SSLCipherSpec: string;
  SSLPeerName: string;
}

/** An MQMD. */
export interface Descriptor {
  MsgId: Buffer;
  CorrelId: Buffer;
  Format: string;
  CodedCharSetId: number;
  Encoding: number;
  Priority: number;
  Persistence: number;
  BackoutCount: number;
  ReplyToQ: unknown;
  ReplyToQMgr: unknown;
  UserIdentifier: unknown;
  PutApplName: unknown;
  PutDate: unknown;
  PutTime: unknown;
}

type ConstantName =
  | 'MQCA_BACKOUT_REQ_Q_NAME'
  | 'MQCNO_CLIENT_BINDING'
  | 'MQCNO_RECONNECT_DISABLED'
  | 'MQGMO_ACCEPT_TRUNCATED_MSG'
  | 'MQGMO_BROWSE_FIRST'
  | 'MQGMO_BROWSE_NEXT'
  | 'MQGMO_CONVERT'
  | 'MQGMO_FAIL_IF_QUIESCING'
  | 'MQGMO_NO_WAIT'
  | 'MQGMO_PROPERTIES_FORCE_MQRFH2'
  | 'MQGMO_SYNCPOINT'
  | 'MQGMO_WAIT'
  | 'MQIA_BACKOUT_THRESHOLD'
  | 'MQMO_NONE'
  | 'MQOO_BROWSE'
  | 'MQOO_FAIL_IF_QUIESCING'
  | 'MQOO_INPUT_EXCLUSIVE'
  | 'MQOO_INPUT_SHARED'
  | 'MQOO_INQUIRE'
  | 'MQOO_NO_READ_AHEAD'
  | 'MQOO_OUTPUT'
  | 'MQOT_Q'
  | 'MQPER_PERSISTENT'
  | 'MQPMO_FAIL_IF_QUIESCING'
  | 'MQPMO_NEW_MSG_ID'
  | 'MQPMO_SYNCPOINT';

/** The package or IBM's client library is not there. */
export class LibraryMissing extends Error {
  override readonly name = 'LibraryMissing';
  readonly what: 'package' | 'library';

  constructor(what: 'package' | 'library', detail: string) {
    super(detail);
    this.what = what;
  }
}

const LIBRARY = 'libmqm_r.so';
/** Where an installation of MQ has it. */
const INSTALLED = ['/opt/mqm/lib64', '/opt/mqm/lib'];
/** Not a literal where it is imported: the compiler would want it to be installed. */
const PACKAGE: string = 'ibmmq';

/** The package, which loads IBM's client library as it is imported. Throws LibraryMissing. */
export async function loadLibrary(): Promise<MqLibrary> {
  // It tells a person on the error output where it looked; our report says it, in one line.
  const { error: print } = console;
  console.error = () => undefined;
  try {
    const loaded = (await import(PACKAGE)) as { default: MqLibrary };
    return loaded.default;
  } catch (error) {
    if (isNotFound(error)) throw new LibraryMissing('package', detailOf(error));
    throw new LibraryMissing('library', whyNotLoaded() ?? detailOf(error));
  } finally {
    console.error = print;
  }
}

/** The package tells of the last place where it looked, and not why a library that is there cannot be loaded. */
function whyNotLoaded(): string | undefined {
  const named = (process.env['LD_LIBRARY_PATH'] ?? '').split(':').filter((dir) => dir !== '');
  const dirs = [...named, ...INSTALLED];
  const file = dirs.map((dir) => join(dir, LIBRARY)).find(existsSync);
  if (file === undefined) return `there is no ${LIBRARY} in ${dirs.join(' or ')}`;
  try {
    process.dlopen({ exports: {} }, file);
    return undefined;
  } catch (error) {
    return detailOf(error);
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}

/** The package throws an object that is no Error. */
function detailOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : String(error);
}
