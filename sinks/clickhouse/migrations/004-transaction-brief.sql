-- What dashboards count, by interface and minute: exact however often a revision comes and in whatever order (docs/decisions/013). A materialized view
-- writes one narrow row for each revision, and merges leave the newest of each transaction. A count that forgot whom it has counted could not
-- take a repetition or a change of status back; so the counting is done when asked, over a tenth of the bytes, in the order of time.
--
-- Sorting key: the minute of created_at, which never changes, so that an hour of a day is a few granules; then the transaction. What may change
-- (its start, interface, status) is not in it.
--
-- Texts in arrays are plain, as in transaction_summary_revision, so that the view hands them on as they are.
CREATE TABLE IF NOT EXISTS {database}.transaction_brief_revision
(
    collected_minute DateTime('UTC') COMMENT 'Minute of created_at: when the first log was collected; never changes' CODEC(Delta, ZSTD(1)),
    transaction_hash UInt64 COMMENT 'cityHash64(transaction_id)',
    revision UInt64 COMMENT 'The greatest is the truth, as in transaction_summary_revision' CODEC(ZSTD(1)),
    minute DateTime('UTC') COMMENT 'Minute of started_at, within 1970 to 2106; an earlier log may move it' CODEC(Delta, ZSTD(1)),
    interface_id LowCardinality(String) COMMENT 'The kind of exchange' CODEC(ZSTD(1)),
    status LowCardinality(String) COMMENT 'in_progress, completed, failed or timed_out' CODEC(ZSTD(1)),
    late Bool COMMENT 'True once a deadline passed before the transaction was completed or failed' CODEC(ZSTD(1)),
    duration_ms Nullable(Float32) COMMENT 'From the first step''s start to the last one''s end, to seven digits; NULL while in progress or timed out' CODEC(ZSTD(1)),
    steps Array(Tuple(
        step String,
        status String,
        duration_ms Nullable(Float32),
        queue_ms Nullable(Float32)
    )) COMMENT 'One for each step and branch; one row each by ARRAY JOIN steps AS s' CODEC(ZSTD(1)),
    updated_at DateTime('UTC') COMMENT 'When the revision came to be; the retention counts from it' CODEC(Delta, ZSTD(1)),

    INDEX by_minute minute TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toDate(collected_minute)
ORDER BY (collected_minute, transaction_hash)
TTL toDateTime(updated_at) + toIntervalSecond({summary_retention})
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1,
    min_bytes_for_wide_part = 134217728, merge_selector_base = 10
COMMENT 'What dashboards count of every revision; ask interface_minute, step_minute or transaction_brief instead';

-- It must never fail, since the insert would fail with it: times that DateTime cannot hold and durations that no sketch takes are drawn to its bounds;
-- those of steps when they are counted (step_minute), since a function for each step cost more than all the rest of the view.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.transaction_brief_feed TO {database}.transaction_brief_revision
AS SELECT
    toStartOfMinute(created_at) AS collected_minute,
    cityHash64(transaction_id) AS transaction_hash,
    revision,
    toStartOfMinute(toDateTime(least(greatest(started_at, toDateTime64(0, 6, 'UTC')), toDateTime64(4294967280, 6, 'UTC')), 'UTC')) AS minute,
    interface_id,
    status,
    late,
    toFloat32(if(abs(duration_ms) < 1e12, duration_ms, 1e12 * sign(duration_ms))) AS duration_ms,
    arrayZip(
        steps.step,
        steps.status,
        steps.duration_ms::Array(Nullable(Float32)),
        steps.queue_ms::Array(Nullable(Float32))
    ) AS steps,
    toDateTime(updated_at, 'UTC') AS updated_at
FROM {database}.transaction_summary_revision
COMMENT 'Feeds transaction_brief_revision with each revision that is stored';

CREATE VIEW IF NOT EXISTS {database}.transaction_brief
(
    collected_minute DateTime('UTC') COMMENT 'Minute of created_at: when the first log was collected; never changes',
    minute DateTime('UTC') COMMENT 'Minute of started_at; an earlier log may move it',
    interface_id LowCardinality(String) COMMENT 'The kind of exchange',
    status LowCardinality(String) COMMENT 'in_progress, completed, failed or timed_out',
    late Bool COMMENT 'True once a deadline passed before the transaction was completed or failed',
    duration_ms Nullable(Float32) COMMENT 'From the first step''s start to the last one''s end; NULL while in progress or timed out',
    steps Array(Tuple(
        step String,
        status String,
        duration_ms Nullable(Float32),
        queue_ms Nullable(Float32)
    )) COMMENT 'One for each step and branch; one row each by ARRAY JOIN steps AS s'
)
AS SELECT collected_minute, minute, interface_id, status, late, duration_ms, steps
FROM {database}.transaction_brief_revision FINAL
COMMENT 'What dashboards count of each transaction, one narrow row each: for any grouping that interface_minute and step_minute do not have';

CREATE VIEW IF NOT EXISTS {database}.interface_minute
(
    minute DateTime('UTC') COMMENT 'The minute in which the transactions started, by the nodes'' clocks',
    interface_id LowCardinality(String) COMMENT 'The kind of exchange',
    transactions UInt64 COMMENT 'How many there are, each counted once, by its newest revision',
    in_progress UInt64 COMMENT 'Of these, how many are in progress now',
    completed UInt64 COMMENT 'Of these, how many are completed',
    failed UInt64 COMMENT 'Of these, how many have failed and are not mended',
    timed_out UInt64 COMMENT 'Of these, for how many a deadline has passed and nothing came since',
    late UInt64 COMMENT 'Of these, for how many a deadline ever passed, whatever they are now',
    duration_p50_ms Nullable(Float32) COMMENT 'Median of the duration of those that ended, within 1%',
    duration_p95_ms Nullable(Float32) COMMENT '95th percentile of it, within 1%',
    duration_p99_ms Nullable(Float32) COMMENT '99th percentile of it, within 1%'
)
AS SELECT
    minute,
    interface_id,
    count() AS transactions,
    countIf(status = 'in_progress') AS in_progress,
    countIf(status = 'completed') AS completed,
    countIf(status = 'failed') AS failed,
    countIf(status = 'timed_out') AS timed_out,
    countIf(b.late) AS late,
    quantilesDD(0.01, 0.5, 0.95, 0.99)(duration_ms)[1] AS duration_p50_ms,
    quantilesDD(0.01, 0.5, 0.95, 0.99)(duration_ms)[2] AS duration_p95_ms,
    quantilesDD(0.01, 0.5, 0.95, 0.99)(duration_ms)[3] AS duration_p99_ms
FROM {database}.transaction_brief AS b
GROUP BY minute, interface_id
COMMENT 'Transactions by interface and the minute they started in: counts by status, and how long they took';

CREATE VIEW IF NOT EXISTS {database}.step_minute
(
    minute DateTime('UTC') COMMENT 'The minute in which the transactions started, by the nodes'' clocks',
    interface_id LowCardinality(String) COMMENT 'The kind of exchange',
    step String COMMENT 'The step, all its branches together',
    started UInt64 COMMENT 'How often it has started and not ended',
    succeeded UInt64 COMMENT 'How often it has succeeded',
    failed UInt64 COMMENT 'How often it has failed and is not mended',
    skipped UInt64 COMMENT 'How often it was skipped',
    duration_p50_ms Nullable(Float32) COMMENT 'Median of its own time, within 1%',
    duration_p95_ms Nullable(Float32) COMMENT '95th percentile of its own time, within 1%',
    queue_p50_ms Nullable(Float32) COMMENT 'Median of the time from the end of the step before it to its start, within 1%; negative where clocks differ',
    queue_p95_ms Nullable(Float32) COMMENT '95th percentile of that time, within 1%'
)
AS SELECT
    minute,
    interface_id,
    s.step AS step,
    countIf(s.status = 'started') AS started,
    countIf(s.status = 'succeeded') AS succeeded,
    countIf(s.status = 'failed') AS failed,
    countIf(s.status = 'skipped') AS skipped,
    quantilesDD(0.01, 0.5, 0.95)(if(abs(s.duration_ms) < 1e12, s.duration_ms, 1e12 * sign(s.duration_ms)))[1] AS duration_p50_ms,
    quantilesDD(0.01, 0.5, 0.95)(if(abs(s.duration_ms) < 1e12, s.duration_ms, 1e12 * sign(s.duration_ms)))[2] AS duration_p95_ms,
    quantilesDD(0.01, 0.5, 0.95)(if(abs(s.queue_ms) < 1e12, s.queue_ms, 1e12 * sign(s.queue_ms)))[1] AS queue_p50_ms,
    quantilesDD(0.01, 0.5, 0.95)(if(abs(s.queue_ms) < 1e12, s.queue_ms, 1e12 * sign(s.queue_ms)))[2] AS queue_p95_ms
FROM {database}.transaction_brief
ARRAY JOIN steps AS s
GROUP BY minute, interface_id, step
COMMENT 'Steps by interface and the minute their transactions started in: how they ended, how long they took and waited'
