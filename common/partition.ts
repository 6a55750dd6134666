import { crc32 } from 'node:zlib';

export const PARTITIONS_MAX = 1024;

/**
 * The partition that holds everything of a transaction: crc32 (ISO-HDLC, as in zlib and gzip) over the UTF-8
 * bytes of its id, modulo the deployment's number of partitions. Part of the data's shape: frozen by the vectors
 * in partition.test.ts, since a change would split transactions that are under way.
 */
export function partitionOf(transactionId: string, partitions: number): number {
  return crc32(transactionId) % partitions;
}

/** The crc32 of an id that stands in bytes, from one place up to another: it need not be made a text for it. */
export function crcOfBytes(bytes: Uint8Array, from: number, to: number): number {
  let crc = -1;
  // Ids are short: a call of zlib would cost more than all of their bytes here.
  for (let at = from; at < to; at += 1) crc = (crc >>> 8) ^ (CRC[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return (crc ^ -1) >>> 0;
}

/** The crc32 of each byte, before its last complement. */
const CRC = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0xedb88320;
  return crc;
});
