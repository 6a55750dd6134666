-- Every published revision of every transaction (common/summary.ts); merges leave the newest one. Ask transaction_summary, which shows it at
-- any time. The day of created_at never changes, so revisions of a transaction share a partition and the key; a condition on created_at
-- leaves out whole days.
--
-- The key is the id alone and FINAL compares over all partitions: should Redis have forgotten a transaction and begin it anew for a log
-- that comes very late, there is still one row of it, and it is the one that knows more.
--
-- LowCardinality as in tracking_log; of steps all texts are plain: within arrays it made an insert a fifth dearer (23 instead of 19 µs a row).
CREATE TABLE IF NOT EXISTS {database}.transaction_summary_revision
(
    transaction_id String COMMENT 'The business transaction' CODEC(ZSTD(1)),
    interface_id LowCardinality(String) COMMENT 'The kind of exchange; it picks the flow',
    parent_transaction_id String COMMENT 'The transaction that this one was split off from' CODEC(ZSTD(1)),
    source_system String COMMENT 'The system that the message comes from' CODEC(ZSTD(1)),
    target_system String COMMENT 'The system that the message goes to' CODEC(ZSTD(1)),
    status LowCardinality(String) COMMENT 'in_progress, completed, failed or timed_out',
    started_at DateTime64(6, 'UTC') COMMENT 'The earliest sign of any step, by the node''s clock' CODEC(Delta, ZSTD(1)),
    ended_at Nullable(DateTime64(6, 'UTC')) COMMENT 'The latest end of a step, once completed or failed' CODEC(ZSTD(1)),
    last_event_at DateTime64(6, 'UTC') COMMENT 'Time of the newest log' CODEC(Delta, ZSTD(1)),
    duration_ms Nullable(Float64) COMMENT 'From started_at to ended_at, in milliseconds' CODEC(ZSTD(1)),
    steps_expected UInt16 COMMENT 'Steps (and branches) that the flow expects' CODEC(T64, ZSTD(1)),
    steps_finished UInt16 COMMENT 'Of these, how many have succeeded or were skipped' CODEC(T64, ZSTD(1)),
    steps Array(Tuple(
        step String,
        branch String,
        attempt UInt32,
        status String,
        started_at DateTime64(6, 'UTC'),
        ended_at Nullable(DateTime64(6, 'UTC')),
        duration_ms Nullable(Float64),
        queue_ms Nullable(Float64),
        node String,
        error_code String,
        error_message String,
        expected Bool
    )) COMMENT 'Steps in the flow''s order, then unexpected ones; one row each by ARRAY JOIN steps AS s' CODEC(ZSTD(1)),
    last_step String COMMENT 'The step of the newest log' CODEC(ZSTD(1)),
    error_step String COMMENT 'Step of the first failure, also when a later attempt cleared it' CODEC(ZSTD(1)),
    error_branch String COMMENT 'Branch of the first failure' CODEC(ZSTD(1)),
    error_code String COMMENT 'Code of the first failure' CODEC(ZSTD(1)),
    error_message String COMMENT 'Words of the first failure' CODEC(ZSTD(1)),
    error_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Time of the first failure' CODEC(ZSTD(1)),
    business_keys Map(String, String) COMMENT 'What people search by: order number, account, …' CODEC(ZSTD(1)),
    late Bool COMMENT 'True for ever once a deadline passed before the transaction was completed or failed',
    cut Bool COMMENT 'True if there were more steps or keys than a summary holds; all are in tracking_log',
    deadline_at Nullable(DateTime64(6, 'UTC')) COMMENT 'The next deadline that is not met yet' CODEC(ZSTD(1)),
    version UInt64 COMMENT 'Revision: grows by one with every change; the newest is the truth' CODEC(T64, ZSTD(1)),
    created_at DateTime64(6, 'UTC') COMMENT 'When the first log was collected; never changes' CODEC(Delta, ZSTD(1)),
    updated_at DateTime64(6, 'UTC') COMMENT 'When this revision came to be' CODEC(Delta, ZSTD(1)),
    revision UInt64 MATERIALIZED bitShiftLeft(4398046511103 - toUInt64(toUnixTimestamp64Milli(created_at)), 21) + least(version, 2097151)
        COMMENT 'The greatest is the truth: the transaction that was begun first, then the greatest version' CODEC(ZSTD(1)),

    INDEX by_interface interface_id TYPE set(1000) GRANULARITY 4,
    INDEX by_start started_at TYPE minmax GRANULARITY 1,
    INDEX by_update updated_at TYPE minmax GRANULARITY 1,
    INDEX by_status status TYPE set(4) GRANULARITY 1,
    INDEX by_business_key mapValues(business_keys) TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toDate(created_at)
ORDER BY transaction_id
TTL toDateTime(updated_at) + toIntervalSecond({summary_retention})
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1,
    min_bytes_for_wide_part = 134217728, merge_selector_base = 10
COMMENT 'Every revision of every transaction until merges leave the newest; ask transaction_summary instead';

CREATE VIEW IF NOT EXISTS {database}.transaction_summary
AS SELECT * FROM {database}.transaction_summary_revision FINAL
COMMENT 'One row per transaction: its newest revision';

-- FINAL has to look at every transaction, unless the question names its id or a business key. What changed since some time is found without it:
-- whatever replaced a revision that is as new as that is newer still.
CREATE VIEW IF NOT EXISTS {database}.transaction_summary_since
AS SELECT * FROM {database}.transaction_summary_revision WHERE updated_at >= {since:DateTime64(6, 'UTC')} ORDER BY revision DESC LIMIT 1 BY transaction_id
COMMENT 'transaction_summary of what changed since a time, fast: FROM transaction_summary_since(since = now() - INTERVAL 1 HOUR)';
