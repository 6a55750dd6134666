import type { Socket } from 'node:net';
import { messageIdOf, readLong, writeLong } from './message.ts';
import { failed, OK, REASON, Session } from './queue-manager.ts';
import type { Got, StandInQueueManager, Verdict } from './queue-manager.ts';

/** One connection of the stand-in client library: requests are framed and answered one after the other, as libmqm_r.c tells. */

const VERBS = [
  '',
  'MQCONNX',
  'MQDISC',
  'MQOPEN',
  'MQCLOSE',
  'MQGET',
  'MQPUT',
  'MQPUT1',
  'MQCMIT',
  'MQBACK',
  'MQINQ',
] as const;
export type Verb = Exclude<(typeof VERBS)[number], ''>;

export interface Fault {
  reason: number;
  times: number;
}

/** What a program said when it connected. */
export interface ConnectionInfo {
  queueManager: string;
  channel: string;
  user: string;
  cipher: string;
  keyRepository: string;
  program: string;
}

export interface ConnectionDeps {
  manager: StandInQueueManager;
  /** Filled in by MQCONNX. */
  info: ConnectionInfo;
  faults: Map<Verb, Fault>;
  state: { readonly silent: boolean };
  credentials: { user: string; password: string } | undefined;
}

const MD_BYTES = 364;
const NAME_BYTES = 48;
const TEXT_BYTES = 256;

type Answer = (verdict: Verdict, body?: Buffer) => void;

export function serveConnection(socket: Socket, deps: ConnectionDeps): void {
  const session = new Session();
  const requests = requestsFrom((request) => {
    if (!deps.state.silent) perform(deps, session, request, answer);
  });

  const answer: Answer = ({ code, reason }, body = Buffer.alloc(0)) => {
    if (socket.destroyed) return;
    const head = Buffer.alloc(12);
    writeLong(head, 8 + body.length, 0);
    writeLong(head, code, 4);
    writeLong(head, reason, 8);
    socket.write(Buffer.concat([head, body]));
  };

  socket.on('data', requests);
  // A program that was killed resets its connection.
  socket.on('error', () => socket.destroy());
  socket.once('close', () => deps.manager.end(session));
}

/** Gathers what arrives until requests are whole; a long one is put together once. */
function requestsFrom(take: (request: Buffer) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let bytes = 0;
  let wanted = 4;
  return (chunk) => {
    chunks.push(chunk);
    bytes += chunk.length;
    while (bytes >= wanted) {
      const all = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      const end = 4 + readLong(all, 0);
      wanted = Math.max(end, 4);
      chunks = [all];
      if (bytes < end) return;
      take(all.subarray(4, end));
      chunks = [all.subarray(end)];
      bytes -= end;
      wanted = 4;
    }
  };
}

function perform(deps: ConnectionDeps, session: Session, request: Buffer, answer: Answer): void {
  const verb = VERBS[request[0] ?? 0];
  if (verb === undefined || verb === '') return answer(failed(REASON.handleError));
  const fault = takeFault(deps.faults, verb);
  if (fault !== undefined) return answer(failed(fault));
  const body = request.subarray(1);
  const { manager } = deps;
  switch (verb) {
    case 'MQCONNX':
      return answer(connect(deps, body));
    case 'MQDISC':
      // Ends a unit of work well, unlike a connection that is lost.
      return answer(manager.commit(session));
    case 'MQOPEN': {
      const opened = manager.open(session, textAt(body, 0, NAME_BYTES));
      return answer(opened, longOf(opened.handle));
    }
    case 'MQCLOSE':
      return answer(manager.close(session, readLong(body, 0)));
    case 'MQGET':
      return get(manager, session, body, answer);
    case 'MQPUT':
    case 'MQPUT1':
      return put(manager, session, verb, body, answer);
    case 'MQCMIT':
      return answer(manager.commit(session));
    case 'MQBACK':
      return answer(manager.back(session));
    case 'MQINQ':
      return inquire(manager, session, body, answer);
  }
}

function takeFault(faults: Map<Verb, Fault>, verb: Verb): number | undefined {
  const fault = faults.get(verb);
  if (fault === undefined) return undefined;
  fault.times -= 1;
  if (fault.times <= 0) faults.delete(verb);
  return fault.reason;
}

function connect({ info, credentials }: ConnectionDeps, body: Buffer): Verdict {
  const [
    queueManager = '',
    channel = '',
    user = '',
    password = '',
    cipher = '',
    keyRepository = '',
    program = '',
  ] = Array.from({ length: 7 }, (_, index) => textAt(body, index * TEXT_BYTES, TEXT_BYTES));
  Object.assign(info, { queueManager, channel, user, cipher, keyRepository, program });
  if (credentials === undefined) return OK;
  const known = credentials.user === user && credentials.password === password;
  return known ? OK : failed(REASON.notAuthorized);
}

function get(manager: StandInQueueManager, session: Session, body: Buffer, answer: Answer): void {
  const [handle = 0, options = 0, waitMs = 0, match = 0, bytesMax = 0] = longsAt(body, 0, 5);
  const asked = body.subarray(20, 20 + MD_BYTES);
  const request = { handle, options, waitMs, match, bytesMax, messageId: Buffer.from(messageIdOf(asked)) };
  const unchanged = Buffer.from(asked);
  manager.get(session, request, ({ md = unchanged, length = 0, data = Buffer.alloc(0), ...verdict }: Got) =>
    answer(verdict, Buffer.concat([md, longOf(length), data])),
  );
}

function put(manager: StandInQueueManager, session: Session, verb: Verb, body: Buffer, answer: Answer): void {
  const byName = verb === 'MQPUT1';
  const queue = byName
    ? manager.queues.get(textAt(body, 0, NAME_BYTES))
    : session.handles.get(readLong(body, 0))?.queue;
  if (queue === undefined) return answer(failed(byName ? REASON.unknownQueue : REASON.handleError));
  const at = byName ? NAME_BYTES : 4;
  const options = readLong(body, at);
  const md = Buffer.from(body.subarray(at + 4, at + 4 + MD_BYTES));
  const data = Buffer.from(body.subarray(at + 4 + MD_BYTES));
  answer(manager.put(session, queue, md, data, options), md);
}

function inquire(manager: StandInQueueManager, session: Session, body: Buffer, answer: Answer): void {
  const [handle = 0, count = 0] = longsAt(body, 0, 2);
  const { numbers, texts, ...verdict } = manager.inquire(session, handle, longsAt(body, 8, count));
  answer(
    verdict,
    Buffer.concat([
      longOf(numbers.length * 4),
      ...numbers.map(longOf),
      Buffer.from(texts.join(''), 'latin1'),
    ]),
  );
}

function longsAt(body: Buffer, at: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => readLong(body, at + index * 4));
}

function longOf(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  writeLong(buffer, value, 0);
  return buffer;
}

/** Padded with blanks or zeros. */
function textAt(body: Buffer, at: number, width: number): string {
  return body.toString('utf8', at, at + width).replace(/[\0 ]+$/, '');
}
