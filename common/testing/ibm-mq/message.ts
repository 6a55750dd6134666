import { randomBytes } from 'node:crypto';
import { endianness } from 'node:os';

/** Messages as the stand-in keeps them: an MQMD (version 2) and what was put with it. */

/** Where fields stand in an MQMD. */
const AT = {
  ccsid: 28,
  format: 32,
  priority: 40,
  messageId: 48,
  correlationId: 72,
  backoutCount: 96,
  replyToQueue: 100,
  putDate: 304,
  putTime: 312,
} as const;
const MD_BYTES = 364;
const ID_BYTES = 24;
const PRIORITY_AS_QUEUE = -1;
const PRIORITY_MAX = 9;
const MD_VERSION = 2;

export interface StandInMessage {
  md: Buffer;
  data: Buffer;
  /** Its place among all messages of the queue manager. */
  number: number;
  backoutCount: number;
}

/** What a test says of a message that it puts. */
export interface PutOptions {
  /** `MQSTR` if not given. */
  format?: string;
  /** 1208 if not given. */
  ccsid?: number;
  priority?: number;
  correlationId?: Buffer;
  replyToQueue?: string;
}

/** An MQMD as a program would hand it to MQPUT. */
export function createMd(options: PutOptions): Buffer {
  const md = Buffer.alloc(MD_BYTES);
  md.write('MD  ');
  writeLong(md, MD_VERSION, 4);
  writeLong(md, options.ccsid ?? 1208, AT.ccsid);
  writeText(md, options.format ?? 'MQSTR', AT.format, 8);
  writeLong(md, options.priority ?? PRIORITY_AS_QUEUE, AT.priority);
  options.correlationId?.copy(md, AT.correlationId, 0, ID_BYTES);
  writeText(md, options.replyToQueue ?? '', AT.replyToQueue, 48);
  return md;
}

/** Fills in what the queue manager decides about a message that is put. */
export function stampMd(md: Buffer, number: number, putAt: Date): void {
  if (md.subarray(AT.messageId, AT.messageId + ID_BYTES).every((byte) => byte === 0)) {
    const id = Buffer.concat([Buffer.from('AMQ STANDIN     '), randomBytes(4), Buffer.alloc(4)]);
    id.writeUInt32BE(number, 20);
    id.copy(md, AT.messageId);
  }
  if (readLong(md, AT.priority) < 0) writeLong(md, 0, AT.priority);
  if (readLong(md, AT.ccsid) === 0) writeLong(md, 1208, AT.ccsid);
  const digits = putAt.toISOString().replace(/\D/g, '');
  writeText(md, digits.slice(0, 8), AT.putDate, 8);
  writeText(md, digits.slice(8, 16), AT.putTime, 8);
}

export function priorityOf(md: Buffer): number {
  return Math.min(readLong(md, AT.priority), PRIORITY_MAX);
}

export function messageIdOf(md: Buffer): Buffer {
  return md.subarray(AT.messageId, AT.messageId + ID_BYTES);
}

/** The MQMD as a getter sees it. */
export function mdOf({ md, backoutCount }: StandInMessage): Buffer {
  const copy = Buffer.from(md);
  writeLong(copy, backoutCount, AT.backoutCount);
  return copy;
}

/** Numbers are as the machine has them: the library runs beside us. */
export const readLong: (from: Buffer, at: number) => number =
  endianness() === 'LE' ? (from, at) => from.readInt32LE(at) : (from, at) => from.readInt32BE(at);

export const writeLong: (to: Buffer, value: number, at: number) => void =
  endianness() === 'LE'
    ? (to, value, at) => void to.writeInt32LE(value, at)
    : (to, value, at) => void to.writeInt32BE(value, at);

/** Texts are padded with blanks. */
function writeText(to: Buffer, text: string, at: number, width: number): void {
  to.write(text.padEnd(width).slice(0, width), at, 'latin1');
}
