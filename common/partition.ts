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
