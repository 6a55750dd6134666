-- Every standard log. Fields and comments follow common/tracking-log.ts; a test holds them to it.
--
-- The sorting key starts with what most questions name (an interface over a time range), keeps a transaction's logs of an hour together, and
-- ends with what makes a log unique: a log that was sent twice is equal in all of it, so it collapses. One transaction by its id is found by a
-- bloom filter in each day. Kept by when it was collected: an old file that is collected today must not vanish at once.
CREATE TABLE IF NOT EXISTS {database}.tracking_log
(
    event_id String COMMENT {event_id} CODEC(ZSTD(1)),
    transaction_id String COMMENT {transaction_id} CODEC(ZSTD(1)),
    parent_transaction_id String COMMENT {parent_transaction_id} CODEC(ZSTD(1)),
    interface_id LowCardinality(String) COMMENT {interface_id},
    step LowCardinality(String) COMMENT {step},
    branch LowCardinality(String) COMMENT {branch},
    attempt UInt32 DEFAULT 1 COMMENT {attempt} CODEC(T64, ZSTD(1)),
    status LowCardinality(String) COMMENT {status},
    event_time DateTime64(6, 'UTC') COMMENT {event_time} CODEC(Delta, ZSTD(1)),
    ingest_time DateTime64(6, 'UTC') COMMENT {ingest_time} CODEC(Delta, ZSTD(1)),
    duration_ms Nullable(Float64) COMMENT {duration_ms} CODEC(ZSTD(1)),
    source_system LowCardinality(String) COMMENT {source_system},
    target_system LowCardinality(String) COMMENT {target_system},
    node LowCardinality(String) COMMENT {node},
    process LowCardinality(String) COMMENT {process},
    channel LowCardinality(String) COMMENT {channel},
    input LowCardinality(String) COMMENT {input},
    business_keys Map(LowCardinality(String), String) COMMENT {business_keys} CODEC(ZSTD(1)),
    message_size Nullable(UInt64) COMMENT {message_size} CODEC(ZSTD(1)),
    record_count Nullable(UInt64) COMMENT {record_count} CODEC(ZSTD(1)),
    error_code LowCardinality(String) COMMENT {error_code},
    error_message String COMMENT {error_message} CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) COMMENT {attributes} CODEC(ZSTD(1)),
    payload String COMMENT {payload} CODEC(ZSTD(3)),
    trace_id String COMMENT {trace_id} CODEC(ZSTD(1)),
    span_id String COMMENT {span_id} CODEC(ZSTD(1)),

    INDEX by_transaction transaction_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_time event_time TYPE minmax GRANULARITY 1,
    INDEX by_status status TYPE set(8) GRANULARITY 1,
    INDEX by_business_key mapValues(business_keys) TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(ingest_time)
PARTITION BY toDate(event_time)
ORDER BY (interface_id, toStartOfHour(event_time), transaction_id, event_id)
TTL toDateTime(ingest_time) + toIntervalSecond({log_retention})
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
COMMENT 'Every tracking log, one row each; SELECT … FINAL leaves out what was sent twice';
