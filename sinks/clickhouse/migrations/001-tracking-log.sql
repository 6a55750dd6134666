-- Every standard log: fields and comments as in common/tracking-log.ts, to which a test holds them. Unknown is '' for texts and NULL for numbers,
-- since 0 would be a number like others.
--
-- Sorting key: first the hour and the interface, which most questions name; then what keeps a transaction's logs of an hour together; last
-- what makes a log unique. A log that was sent twice is equal in all of it, so it collapses. One transaction by its id is found by its bloom
-- filter, some 3 KB for each 8,192 rows; sorted by the id instead, every question about a time would read whole days.
--
-- LowCardinality is for what nearly every question groups or filters by. It makes those cheaper, by 5 to 10 ms of CPU a million rows, but an insert pays
-- some 0.25 µs for each value, and merges pay again: as texts, the other columns take 2 of 7 µs a row off an insert.
--
-- Partitions are days of event_time: an insert writes one part for each day that it touches, some 8 ms each (docs/decisions/006).
--
-- Logs are kept from when they were collected: by event_time, an old file that is collected late would be dropped at once.
-- Merges wait for more parts than by default (base 10, not 5) and make wide parts later: with a batch every other second
-- 42% of ClickHouse's CPU time went into merges (docs/performance.md).
CREATE TABLE IF NOT EXISTS {database}.tracking_log
(
    event_id String COMMENT 'Identifies the log for ever. Derived from where it came from if not given, so that a log collected twice has one id.' CODEC(ZSTD(1)),
    transaction_id String COMMENT 'The business transaction that the log belongs to, 1 to 256 bytes.' CODEC(ZSTD(1)),
    parent_transaction_id String COMMENT 'The transaction that this one was split off from.' CODEC(ZSTD(1)),
    interface_id LowCardinality(String) COMMENT 'The kind of exchange, e.g. "order, shop to warehouse"; picks the flow.',
    step LowCardinality(String) COMMENT 'The process that reports: send, hub, receive or any other name.',
    branch String COMMENT 'Which of several at one step, e.g. one of three receivers that a hub fans out to.' CODEC(ZSTD(1)),
    attempt UInt32 DEFAULT 1 COMMENT '1, 2, … when a step is tried again.' CODEC(T64, ZSTD(1)),
    status LowCardinality(String) COMMENT 'What the step says of itself; `info` never changes a state.',
    event_time DateTime64(6, 'UTC') COMMENT 'When it happened at the node, kept to the microsecond.' CODEC(Delta, ZSTD(1)),
    ingest_time DateTime64(6, 'UTC') COMMENT 'When the collector took it; set by the collector.' CODEC(Delta, ZSTD(1)),
    duration_ms Nullable(Float64) COMMENT 'How long the step took, in milliseconds, if the node measured it.' CODEC(ZSTD(1)),
    source_system String COMMENT 'The system that the message comes from.' CODEC(ZSTD(1)),
    target_system String COMMENT 'The system that the message goes to.' CODEC(ZSTD(1)),
    node String COMMENT 'The machine or EAI node that reports.' CODEC(ZSTD(1)),
    process String COMMENT 'The program, flow or adapter that reports.' CODEC(ZSTD(1)),
    channel String COMMENT 'How the log arrived: http, file, mq, …; set by the collector.' CODEC(ZSTD(1)),
    input String COMMENT 'The input''s configured name; set by the collector.' CODEC(ZSTD(1)),
    business_keys Map(String, String) COMMENT 'What people search by: order number, account, …' CODEC(ZSTD(1)),
    message_size Nullable(UInt64) COMMENT 'Size of the business message in bytes.' CODEC(ZSTD(1)),
    record_count Nullable(UInt64) COMMENT 'Records in the business message.' CODEC(ZSTD(1)),
    error_code String COMMENT 'Code of the failure.' CODEC(ZSTD(1)),
    error_message String COMMENT 'The failure in words; cut at 8 KiB.' CODEC(ZSTD(1)),
    attributes Map(String, String) COMMENT 'Everything else that was mapped; values are cut at 4 KiB.' CODEC(ZSTD(1)),
    payload String COMMENT 'The business message, masked and capped.' CODEC(ZSTD(3)),
    trace_id String COMMENT 'W3C trace id, if known.' CODEC(ZSTD(1)),
    span_id String COMMENT 'W3C span id, if known.' CODEC(ZSTD(1)),

    INDEX by_transaction transaction_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_status status TYPE set(8) GRANULARITY 1,
    INDEX by_business_key mapValues(business_keys) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(ingest_time)
PARTITION BY toDate(event_time)
ORDER BY (toStartOfHour(event_time), interface_id, transaction_id, event_id)
TTL toDateTime(ingest_time) + toIntervalSecond({log_retention})
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1,
    min_bytes_for_wide_part = 134217728, merge_selector_base = 10
COMMENT 'Every tracking log, one row each; SELECT … FINAL leaves out what was sent twice';
