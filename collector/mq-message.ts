import { createCharset } from './charset.ts';
import type { Charset } from './charset.ts';

/** A message of IBM MQ as bytes: its descriptor (MQMD) and the headers that may stand before its body, each naming what follows it. */
export interface MqMessage {
  /** As MQ writes it: `MQSTR`, empty for none. */
  format: string;
  body: Buffer;
  /** How the body is written, if the headers say it in a way that is known here. */
  charset: Charset | undefined;
  /** In hex, from the descriptor. */
  msgId?: string;
  correlId?: string;
}

// Offsets and lengths of IBM MQ's structures MQMD and MQRFH2.
const MQMD_BYTES = { 1: 324, 2: 364 } as const;
const MQMD = { version: 4, ccsid: 28, format: 32, msgId: 48, correlId: 72 } as const;
const ID_BYTES = 24;
const RFH2_BYTES_MIN = 36;
const RFH2 = { length: 8, ccsid: 16, format: 20 } as const;
const HEADERS_MAX = 16;

/** Coded character set ids that are seen in messages → what iconv-lite calls them. */
const CCSIDS: Readonly<Record<number, string>> = {
  1208: 'utf-8',
  1200: 'utf-16be',
  1202: 'utf-16le',
  13_488: 'utf-16be',
  17_584: 'utf-16be',
  819: 'latin1',
  923: 'iso-8859-15',
  437: 'cp437',
  850: 'cp850',
  1250: 'windows-1250',
  1251: 'windows-1251',
  1252: 'windows-1252',
  5348: 'windows-1252',
  949: 'cp949',
  970: 'cp949',
  1363: 'cp949',
  932: 'shift_jis',
  943: 'shift_jis',
  954: 'euc-jp',
  5050: 'euc-jp',
  936: 'gbk',
  1386: 'gbk',
  1392: 'gb18030',
  5488: 'gb18030',
  950: 'big5',
};

/** What the next structure is, as the one before it says. */
interface Next {
  at: number;
  format: string;
  ccsid: number;
}

/** Takes the bytes apart; without a descriptor and headers they are all body. */
export function readMqMessage(bytes: Buffer): MqMessage {
  const descriptor = readDescriptor(bytes);
  let next: Next = descriptor ?? { at: 0, format: '', ccsid: 0 };
  for (let headers = 0; headers < HEADERS_MAX; headers += 1) {
    const after = readRfh2(bytes, next);
    if (after === undefined) break;
    next = after;
  }
  return {
    format: next.format,
    body: bytes.subarray(next.at),
    charset: charsetOf(next.ccsid),
    ...(descriptor === undefined ? {} : { msgId: descriptor.msgId, correlId: descriptor.correlId }),
  };
}

function readDescriptor(bytes: Buffer): (Next & { msgId: string; correlId: string }) | undefined {
  if (bytes.length < MQMD_BYTES[1] || bytes.toString('latin1', 0, 4) !== 'MD  ') return undefined;
  const number = numbersOf(bytes, MQMD.version);
  const version = number?.(MQMD.version);
  const length = version === 1 || version === 2 ? MQMD_BYTES[version] : undefined;
  if (number === undefined || length === undefined || bytes.length < length) return undefined;
  const hex = (at: number) => bytes.toString('hex', at, at + ID_BYTES);
  return {
    at: length,
    format: formatOf(bytes, MQMD.format),
    ccsid: number(MQMD.ccsid),
    msgId: hex(MQMD.msgId),
    correlId: hex(MQMD.correlId),
  };
}

/** Undefined if no such header stands there. */
function readRfh2(bytes: Buffer, { at, ccsid }: Next): Next | undefined {
  if (bytes.length < at + RFH2_BYTES_MIN || bytes.toString('latin1', at, at + 4) !== 'RFH ') return undefined;
  const number = numbersOf(bytes, at + 4);
  const length = number?.(at + RFH2.length);
  if (number === undefined || length === undefined) return undefined;
  if (length < RFH2_BYTES_MIN || length > bytes.length - at) return undefined;
  const own = number(at + RFH2.ccsid);
  // MQCCSI_INHERIT: as what stands before it.
  return { at: at + length, format: formatOf(bytes, at + RFH2.format), ccsid: own > 0 ? own : ccsid };
}

/** Numbers are in the order of the machine that wrote them; the version, a small number, shows which. */
function numbersOf(bytes: Buffer, versionAt: number): ((at: number) => number) | undefined {
  const isSmall = (version: number) => version === 1 || version === 2;
  if (isSmall(bytes.readInt32LE(versionAt))) return (at) => bytes.readInt32LE(at);
  return isSmall(bytes.readInt32BE(versionAt)) ? (at) => bytes.readInt32BE(at) : undefined;
}

const FORMAT_BYTES = 8;

function formatOf(bytes: Buffer, at: number): string {
  return bytes
    .toString('latin1', at, at + FORMAT_BYTES)
    .replaceAll('\0', ' ')
    .trim();
}

const charsets = new Map<number, Charset>();

function charsetOf(ccsid: number): Charset | undefined {
  const name = CCSIDS[ccsid];
  const known = charsets.get(ccsid);
  if (known !== undefined || name === undefined) return known;
  const charset = createCharset(name);
  charsets.set(ccsid, charset);
  return charset;
}
