import { quoted } from '../../quoted.ts';
import { readText } from './ccsid.ts';

/** The header MQRFH2, in which JMS and message properties travel: folders of names and values, before the message itself. */

export const RFH2_FORMAT = 'MQHRF2';
const FIXED_BYTES = 36;
const LITTLE_ENDIAN = 0x2;
const HEADERS_MAX = 16;
const NESTING_MAX = 16;

/** A folder's values; nested where its elements are, lists where a name comes again. */
export type Folder = { [name: string]: FolderValue };
export type FolderValue = string | Folder | FolderValue[];

export interface Unwrapped {
  folders: Folder;
  /** What is behind the header, and how the header describes it. */
  body: Buffer;
  format: string;
  ccsid: number;
  encoding: number;
}

const CCSID_INHERIT = -2;

/** Takes the headers off a message of format MQHRF2, or says in words why they cannot be read. */
export function unwrapRfh2(data: Buffer, encoding: number, ccsid: number): Unwrapped | { error: string } {
  const unwrapped: Unwrapped = { folders: emptyFolder(), body: data, format: RFH2_FORMAT, ccsid, encoding };
  for (let header = 0; unwrapped.format === RFH2_FORMAT; header += 1) {
    if (header === HEADERS_MAX) return { error: `has more than ${HEADERS_MAX} RFH2 headers` };
    const error = takeHeader(unwrapped);
    if (error !== undefined) return { error };
  }
  return unwrapped;
}

function takeHeader(message: Unwrapped): string | undefined {
  const { body, encoding } = message;
  if (body.length < FIXED_BYTES || body.toString('latin1', 0, 4) !== 'RFH ')
    return 'has no RFH2 header, although its format says so';
  const long = (at: number) => (encoding & LITTLE_ENDIAN ? body.readInt32LE(at) : body.readInt32BE(at));
  const length = long(8);
  if (length < FIXED_BYTES || length > body.length)
    return `has an RFH2 header of ${length} bytes, which it is not`;
  const nameValueCcsid = long(32);
  for (let at = FIXED_BYTES; at + 4 <= length;) {
    const size = long(at);
    if (size < 0 || at + 4 + size > length) return 'has an RFH2 folder that ends beyond its header';
    const read = readText(body.subarray(at + 4, at + 4 + size), nameValueCcsid, encoding);
    if ('error' in read) return `has an RFH2 folder that ${read.error}`;
    const error = readFolders(read.text, message.folders);
    if (error !== undefined) return error;
    at += 4 + size;
  }
  const ccsid = long(16);
  message.encoding = long(12);
  message.ccsid = ccsid === CCSID_INHERIT ? message.ccsid : ccsid;
  // Programs in C pad it with NULs.
  message.format = body.toString('latin1', 20, 28).replaceAll('\0', ' ').trimEnd();
  message.body = body.subarray(length);
  return undefined;
}

/** `<usr><colour dt='string'>red</colour><count dt="i4">3</count></usr>`, several one after the other. Attributes say no more than types. */
const TAG = /<(\/?)([^\s/>]+)((?:\s+[^\s=>]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/y;

interface OpenElement {
  name: string;
  text: string;
  children: Folder;
}

function readFolders(xml: string, into: Folder): string | undefined {
  const open: OpenElement[] = [{ name: '', text: '', children: into }];
  let at = 0;
  while (at < xml.length) {
    const current = open.at(-1) as OpenElement;
    if (xml[at] !== '<') {
      const end = xml.indexOf('<', at);
      current.text += xml.slice(at, end === -1 ? xml.length : end);
      at = end === -1 ? xml.length : end;
      continue;
    }
    TAG.lastIndex = at;
    const tag = TAG.exec(xml);
    if (tag === null) return 'has an RFH2 folder with a tag that cannot be read';
    const [all, closing, name = '', , empty] = tag;
    at += all.length;
    if (closing === '/') {
      if (open.length === 1 || current.name !== name)
        return `has an RFH2 folder where ${quoted(`</${name}>`)} closes nothing`;
      open.pop();
      add((open.at(-1) as OpenElement).children, name, valueOf(current));
    } else if (empty === '/') {
      add(current.children, name, '');
    } else {
      if (open.length > NESTING_MAX) return `has an RFH2 folder that is nested deeper than ${NESTING_MAX}`;
      open.push({ name, text: '', children: emptyFolder() });
    }
  }
  return open.length === 1
    ? undefined
    : `has an RFH2 folder where ${quoted(`<${open.at(-1)?.name}>`)} is not closed`;
}

function valueOf({ text, children }: OpenElement): FolderValue {
  return Object.keys(children).length > 0 ? children : unescape(text);
}

function add(folder: Folder, name: string, value: FolderValue): void {
  const there = folder[name];
  if (there === undefined) folder[name] = value;
  else if (Array.isArray(there)) there.push(value);
  else folder[name] = [there, value];
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replace(/&(#\d{1,7}|#x[0-9a-fA-F]{1,6}|\w+);/g, (all: string, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? all;
    const code = Number(name.startsWith('#x') ? `0x${name.slice(2)}` : name.slice(1));
    return code <= 0x10_ff_ff ? String.fromCodePoint(code) : all;
  });
}

/** Without a prototype: a key `__proto__` stays a key. */
function emptyFolder(): Folder {
  return Object.create(null) as Folder;
}

/** `usr.colour` → `red`: leaves by their paths. Lists are numbered. */
export function leavesOf(folder: Folder, prefix: string): [string, string][] {
  return Object.entries(folder).flatMap(([name, value]) => leaves(value, `${prefix}.${name}`));
}

function leaves(value: FolderValue, path: string): [string, string][] {
  if (typeof value === 'string') return [[path, value]];
  if (Array.isArray(value)) return value.flatMap((item, index) => leaves(item, `${path}.${index}`));
  return leavesOf(value, path);
}
