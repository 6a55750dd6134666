import iconv from 'iconv-lite';

/** MQ's numbers for character sets, and texts in them. */

/** As iconv-lite calls them; UTF-16 is told apart by the message's encoding of numbers. */
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
  1250: 'cp1250',
  1251: 'cp1251',
  1252: 'cp1252',
  1363: 'cp949',
  1386: 'gbk',
  1392: 'gb18030',
  5348: 'cp1252',
};
const UTF_8 = new Set([1208, 1209]);
const UTF_16 = new Set([1200, 13488, 17584]);
/** MQENC_INTEGER_REVERSED. */
const LITTLE_ENDIAN = 0x2;
const REPLACEMENT = '\uFFFD';

/** The text as UTF-8, or why it is none, in words. Of EBCDIC it knows nothing: that the queue manager must convert. @param encoding the MQMD's, for the order of bytes. */
export function toUtf8(bytes: Buffer, ccsid: number, encoding: number): { text: Buffer } | { error: string } {
  // Decoders look at UTF-8 themselves.
  if (UTF_8.has(ccsid)) return { text: bytes };
  const utf16 = (encoding & LITTLE_ENDIAN) === 0 ? 'utf-16be' : 'utf-16le';
  const name = UTF_16.has(ccsid) ? utf16 : ENCODINGS[ccsid];
  if (name === undefined) {
    return { error: `is in CCSID ${ccsid}, which only \`convert: queue_manager\` can read` };
  }
  const text = iconv.decode(bytes, name);
  if (text.includes(REPLACEMENT)) return { error: `is not the text in CCSID ${ccsid} that it says it is` };
  return { text: Buffer.from(text) };
}
