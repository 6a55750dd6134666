import { createCharset } from '../../charset.ts';
import type { Charset } from '../../charset.ts';

/** MQ's numbers for character sets, and texts in them. */

/** As createCharset knows them; UTF-16 is told apart by the message's encoding of numbers. */
const ENCODINGS: Readonly<Record<number, string>> = {
  367: 'ascii',
  437: 'cp437',
  819: 'latin1',
  850: 'cp850',
  858: 'cp858',
  874: 'cp874',
  912: 'iso-8859-2',
  923: 'iso-8859-15',
  932: 'shift_jis',
  936: 'gbk',
  943: 'shift_jis',
  949: 'cp949',
  950: 'big5',
  954: 'euc-jp',
  // KS X 1001, of which cp949 is a superset.
  970: 'cp949',
  1201: 'utf-16be',
  1202: 'utf-16le',
  1208: 'utf-8',
  1209: 'utf-8',
  1250: 'cp1250',
  1251: 'cp1251',
  1252: 'cp1252',
  1363: 'cp949',
  1386: 'gbk',
  1392: 'gb18030',
  5348: 'cp1252',
};
const UTF_16 = new Set([1200, 13488, 17584]);
/** MQENC_INTEGER_REVERSED. */
const LITTLE_ENDIAN = 0x2;
const BYTE_ORDER_MARK = '\uFEFF';

/** The text, or why it is none, in words. Of EBCDIC it knows nothing: that the queue manager must convert. @param encoding the MQMD's, for the order of bytes. */
export function readText(
  bytes: Buffer,
  ccsid: number,
  encoding: number,
): { text: string } | { error: string } {
  const charset = charsetOf(ccsid, encoding);
  if (charset === undefined) {
    return { error: `is in CCSID ${ccsid}, which only \`convert: queue_manager\` can read` };
  }
  const text = charset.decode(bytes);
  if (text === undefined) return { error: `is not the text in CCSID ${ccsid} that it says it is` };
  return { text: text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text };
}

/** The text as a decoder sees it, or why it cannot, in words: nothing is lost on the way without a word. */
export function convert(
  bytes: Buffer,
  ccsid: number,
  encoding: number,
  to: Charset,
): { bytes: Buffer } | { error: string } {
  // Decoders look at UTF-8 themselves.
  if (to.isUtf8 && charsetOf(ccsid, encoding)?.isUtf8 === true) return { bytes };
  const read = readText(bytes, ccsid, encoding);
  if ('error' in read) return read;
  const written = to.encode(read.text);
  if (!to.isUtf8 && to.onBadBytes !== 'replace' && to.decode(written) !== read.text)
    return { error: `holds characters that are not in ${to.name}, the encoding of the input` };
  return { bytes: written };
}

const charsets = new Map<string, Charset>();

function charsetOf(ccsid: number, encoding: number): Charset | undefined {
  const utf16 = (encoding & LITTLE_ENDIAN) === 0 ? 'utf-16be' : 'utf-16le';
  const name = UTF_16.has(ccsid) ? utf16 : ENCODINGS[ccsid];
  const known = name === undefined ? undefined : charsets.get(name);
  if (known !== undefined || name === undefined) return known;
  const charset = createCharset(name);
  charsets.set(name, charset);
  return charset;
}
