/** An answer as it comes out of the engine: bytes in pieces, and what is known of the whole before the first. */
export interface Answer {
  /** '' of an INSERT. */
  format: string;
  chunks: AsyncIterable<Uint8Array>;
  /** As in X-ClickHouse-Summary; only what is known before the answer begins. */
  summary: { rowsWritten: number; rowsRead: number; bytesRead: number };
}
