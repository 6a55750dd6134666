import { endianness } from 'node:os';
import type { MessageDescriptor } from './protocol.ts';

const FIXED_BYTES = 36;
/** MQENC_NATIVE of Linux on Intel, and of big-endian machines. */
const LITTLE_ENDIAN = endianness() === 'LE';
export const NATIVE_ENCODING = LITTLE_ENDIAN ? 546 : 273;

/** Of a message with such a header. */
export const RFH2_DESCRIPTOR: MessageDescriptor = {
  messageId: '4d31',
  correlationId: '0',
  format: 'MQHRF2',
  ccsid: 1208,
  encoding: NATIVE_ENCODING,
  priority: 0,
  persistent: false,
  backoutCount: 0,
  putDate: '20260131',
  putTime: '00000000',
  replyToQueue: '',
  replyToQueueManager: '',
  user: '',
  program: '',
};

/** A message as JMS puts it: header, folders padded to four bytes, body in UTF-8. */
export function rfh2(
  folders: readonly string[],
  body: string | Buffer,
  format = 'MQSTR',
  ccsid = 1208,
): Buffer {
  const long = (value: number) => {
    const bytes = Buffer.alloc(4);
    if (LITTLE_ENDIAN) bytes.writeInt32LE(value);
    else bytes.writeInt32BE(value);
    return bytes;
  };
  const values = folders.map((folder) => {
    const bytes = Buffer.from(folder);
    const padded = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4, ' ')]);
    return Buffer.concat([long(padded.length), padded]);
  });
  const length = FIXED_BYTES + values.reduce((sum, value) => sum + value.length, 0);
  return Buffer.concat([
    Buffer.from('RFH '),
    long(2),
    long(length),
    long(NATIVE_ENCODING),
    long(ccsid),
    Buffer.from(format.padEnd(8)),
    long(0),
    long(1208),
    ...values,
    Buffer.from(body),
  ]);
}
