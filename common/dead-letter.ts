/**
 * What could not become a standard log or could not be stored, kept whole with its reason. A dead letter travels
 * like a log: appended to its partition's dead-letter stream in the same script, so it is neither lost nor doubled.
 */
export interface DeadLetter {
  /** Where the record stood (file and offset, message id, request and index): the same record has the same id. */
  event_id: string;
  /** Where it failed: `frame`, `decode`, `map`, `validate`, `mask`, `stream` (an entry that is none of ours), `backout` (a message that kept coming back), or `sink` and its name. */
  stage: string;
  /** The input's configured name. */
  input: string;
  channel: string;
  /** In words, naming the field where there is one. */
  reason: string;
  /** Canonical time (common/timestamp.ts) when it was refused. */
  ingest_time: string;
  /** The raw record as base64: any encoding survives. */
  raw_base64: string;
  /** What the input knew beside the record: path and offset, message ids, headers. Never credentials. */
  meta: Record<string, string>;
}
