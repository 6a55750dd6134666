CREATE TABLE IF NOT EXISTS tranweave.tracking_log_local ON CLUSTER 'main'
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tranweave/tracking_log_local', '{replica}', ingest_time)
PARTITION BY toDate(event_time)
ORDER BY (toStartOfHour(event_time), interface_id, transaction_id, event_id)
TTL toDateTime(ingest_time) + toIntervalSecond(7776000)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, ttl_only_drop_parts = 1,
    min_bytes_for_wide_part = 134217728, merge_selector_base = 10
COMMENT 'Every tracking log, one row each; SELECT … FINAL leaves out what was sent twice';

CREATE TABLE IF NOT EXISTS tranweave.tracking_log ON CLUSTER 'main' AS tranweave.tracking_log_local
ENGINE = Distributed('main', 'tranweave', 'tracking_log_local', cityHash64(transaction_id))
COMMENT 'Every tracking log, one row each; SELECT … FINAL leaves out what was sent twice';

CREATE TABLE IF NOT EXISTS tranweave.transaction_summary_revision_local ON CLUSTER 'main'
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tranweave/transaction_summary_revision_local', '{replica}', revision)
PARTITION BY toDate(created_at)
ORDER BY transaction_id
TTL toDateTime(updated_at) + toIntervalSecond(7776000)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, ttl_only_drop_parts = 1,
    min_bytes_for_wide_part = 134217728, merge_selector_base = 10
COMMENT 'Every revision of every transaction until merges leave the newest; ask transaction_summary instead';

CREATE TABLE IF NOT EXISTS tranweave.transaction_summary_revision ON CLUSTER 'main' AS tranweave.transaction_summary_revision_local
ENGINE = Distributed('main', 'tranweave', 'transaction_summary_revision_local', cityHash64(transaction_id))
COMMENT 'Every revision of every transaction until merges leave the newest; ask transaction_summary instead';

CREATE VIEW IF NOT EXISTS tranweave.transaction_summary ON CLUSTER 'main'
AS SELECT * FROM tranweave.transaction_summary_revision FINAL
COMMENT 'One row per transaction: its newest revision';

CREATE VIEW IF NOT EXISTS tranweave.transaction_summary_since ON CLUSTER 'main'
AS SELECT * FROM tranweave.transaction_summary_revision WHERE updated_at >= {since:DateTime64(6, 'UTC')} ORDER BY revision DESC LIMIT 1 BY transaction_id
COMMENT 'transaction_summary of what changed since a time, fast: FROM transaction_summary_since(since = now() - INTERVAL 1 HOUR)';

CREATE TABLE IF NOT EXISTS tranweave.dead_letter_local ON CLUSTER 'main'
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tranweave/dead_letter_local', '{replica}', ingest_time)
PARTITION BY toDate(ingest_time)
ORDER BY (input, event_id, stage)
TTL toDateTime(ingest_time) + toIntervalSecond(2592000)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, ttl_only_drop_parts = 1
COMMENT 'Records that could not be taken, whole, with their reasons';

CREATE TABLE IF NOT EXISTS tranweave.dead_letter ON CLUSTER 'main' AS tranweave.dead_letter_local
ENGINE = Distributed('main', 'tranweave', 'dead_letter_local', cityHash64(event_id))
COMMENT 'Records that could not be taken, whole, with their reasons';

CREATE TABLE IF NOT EXISTS tranweave.transaction_brief_revision_local ON CLUSTER 'main'
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tranweave/transaction_brief_revision_local', '{replica}', revision)
PARTITION BY toDate(collected_minute)
ORDER BY (collected_minute, transaction_hash)
TTL toDateTime(updated_at) + toIntervalSecond(7776000)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, ttl_only_drop_parts = 1,
    min_bytes_for_wide_part = 134217728, merge_selector_base = 10
COMMENT 'What dashboards count of every revision; ask interface_minute, step_minute or transaction_brief instead';

CREATE TABLE IF NOT EXISTS tranweave.transaction_brief_revision ON CLUSTER 'main' AS tranweave.transaction_brief_revision_local
ENGINE = Distributed('main', 'tranweave', 'transaction_brief_revision_local', transaction_hash)
COMMENT 'What dashboards count of every revision; ask interface_minute, step_minute or transaction_brief instead';

CREATE MATERIALIZED VIEW IF NOT EXISTS tranweave.transaction_brief_feed ON CLUSTER 'main' TO tranweave.transaction_brief_revision_local
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
FROM tranweave.transaction_summary_revision_local
COMMENT 'Feeds transaction_brief_revision with each revision that is stored';

CREATE VIEW IF NOT EXISTS tranweave.transaction_brief ON CLUSTER 'main'
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
FROM tranweave.transaction_brief_revision FINAL
COMMENT 'What dashboards count of each transaction, one narrow row each: for any grouping that interface_minute and step_minute do not have';

CREATE VIEW IF NOT EXISTS tranweave.interface_minute ON CLUSTER 'main'
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
FROM tranweave.transaction_brief AS b
GROUP BY minute, interface_id
COMMENT 'Transactions by interface and the minute they started in: counts by status, and how long they took';

CREATE VIEW IF NOT EXISTS tranweave.step_minute ON CLUSTER 'main'
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
FROM tranweave.transaction_brief
ARRAY JOIN steps AS s
GROUP BY minute, interface_id, step
COMMENT 'Steps by interface and the minute their transactions started in: how they ended, how long they took and waited';

ALTER TABLE tranweave.transaction_summary ON CLUSTER 'main'
    COMMENT COLUMN transaction_id 'The business transaction',
    COMMENT COLUMN interface_id 'The kind of exchange; it picks the flow',
    COMMENT COLUMN parent_transaction_id 'The transaction that this one was split off from',
    COMMENT COLUMN source_system 'The system that the message comes from',
    COMMENT COLUMN target_system 'The system that the message goes to',
    COMMENT COLUMN status 'in_progress, completed, failed or timed_out',
    COMMENT COLUMN started_at 'The earliest sign of any step, by the node''s clock',
    COMMENT COLUMN ended_at 'The latest end of a step, once completed or failed',
    COMMENT COLUMN last_event_at 'Time of the newest log',
    COMMENT COLUMN duration_ms 'From started_at to ended_at, in milliseconds',
    COMMENT COLUMN steps_expected 'Steps (and branches) that the flow expects',
    COMMENT COLUMN steps_finished 'Of these, how many have succeeded or were skipped',
    COMMENT COLUMN steps 'Steps in the flow''s order, then unexpected ones; one row each by ARRAY JOIN steps AS s',
    COMMENT COLUMN last_step 'The step of the newest log',
    COMMENT COLUMN error_step 'Step of the first failure, also when a later attempt cleared it',
    COMMENT COLUMN error_branch 'Branch of the first failure',
    COMMENT COLUMN error_code 'Code of the first failure',
    COMMENT COLUMN error_message 'Words of the first failure',
    COMMENT COLUMN error_at 'Time of the first failure',
    COMMENT COLUMN business_keys 'What people search by: order number, account, …',
    COMMENT COLUMN late 'True for ever once a deadline passed before the transaction was completed or failed',
    COMMENT COLUMN cut 'True if there were more steps or keys than a summary holds; all are in tracking_log',
    COMMENT COLUMN deadline_at 'The next deadline that is not met yet',
    COMMENT COLUMN version 'Revision: grows by one with every change; the newest is the truth',
    COMMENT COLUMN created_at 'When the first log was collected; never changes',
    COMMENT COLUMN updated_at 'When this revision came to be';

CREATE VIEW IF NOT EXISTS tranweave.transaction_step ON CLUSTER 'main'
(
    transaction_id String COMMENT 'The business transaction',
    interface_id LowCardinality(String) COMMENT 'The kind of exchange; it picks the flow',
    transaction_status LowCardinality(String) COMMENT 'in_progress, completed, failed or timed_out',
    ordinal UInt32 COMMENT '1, 2, …: in the flow''s order, then unexpected ones as they started',
    step String COMMENT 'The process that reports: send, hub, receive or any other name',
    branch String COMMENT 'Which of several at one step, e.g. one of three receivers that a hub fans out to',
    attempt UInt32 COMMENT 'The newest attempt: it decides what the step is',
    status String COMMENT 'started, succeeded, failed or skipped',
    started_at DateTime64(6, 'UTC') COMMENT 'The earliest sign of the step, over all attempts',
    ended_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Its latest end; NULL while it has only started',
    duration_ms Nullable(Float64) COMMENT 'Its own time, as the node measured it, else from its start to its end; NULL while it has only started',
    queue_ms Nullable(Float64) COMMENT 'From the end of the expected step before it to its start; negative where clocks differ, NULL where either is not known',
    node String COMMENT 'The machine or EAI node that reports',
    error_code String COMMENT 'Code of the failure',
    error_message String COMMENT 'The failure in words',
    expected Bool COMMENT 'Whether the flow names the step'
)
AS SELECT
    transaction_id,
    interface_id,
    t.status AS transaction_status,
    ordinal,
    s.step AS step,
    s.branch AS branch,
    s.attempt AS attempt,
    s.status AS status,
    s.started_at AS started_at,
    s.ended_at AS ended_at,
    s.duration_ms AS duration_ms,
    s.queue_ms AS queue_ms,
    s.node AS node,
    s.error_code AS error_code,
    s.error_message AS error_message,
    s.expected AS expected
FROM tranweave.transaction_summary AS t
ARRAY JOIN steps AS s, arrayEnumerate(steps) AS ordinal
COMMENT 'Every step of every transaction, one row each, as the transaction''s newest revision has it';
