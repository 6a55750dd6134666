-- What could not become a standard log or could not be stored (common/dead-letter.ts). Resolving one writes its row again: with the same
-- ingest_time the row that was written last stays. Should the record fail again later, its row is newer and open.
CREATE TABLE IF NOT EXISTS {database}.dead_letter
(
    event_id String COMMENT 'Where the record stood: the same record has the same id' CODEC(ZSTD(1)),
    stage LowCardinality(String) COMMENT 'Where it failed: frame, decode, map, validate, mask, or a sink',
    input LowCardinality(String) COMMENT 'The input''s configured name',
    channel LowCardinality(String) COMMENT 'How it arrived: http, file, …',
    reason String COMMENT 'Why, in words, naming the field where there is one' CODEC(ZSTD(1)),
    ingest_time DateTime64(6, 'UTC') COMMENT 'When it was refused' CODEC(Delta, ZSTD(1)),
    raw_base64 String COMMENT 'The raw record as base64, so that any encoding survives' CODEC(ZSTD(3)),
    meta Map(LowCardinality(String), String) COMMENT 'What the input knew beside the record: path, offset, …' CODEC(ZSTD(1)),
    resolution LowCardinality(String) COMMENT 'Empty while it is open; retried or dropped once an operator has dealt with it',
    resolved_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When that was' CODEC(ZSTD(1)),
    raw String ALIAS base64Decode(raw_base64) COMMENT 'The raw record as text; computed when asked for'
)
ENGINE = ReplacingMergeTree(ingest_time)
PARTITION BY toDate(ingest_time)
ORDER BY (input, event_id, stage)
TTL toDateTime(ingest_time) + toIntervalSecond({dead_letter_retention})
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
COMMENT 'Records that could not be taken, whole, with their reasons';
