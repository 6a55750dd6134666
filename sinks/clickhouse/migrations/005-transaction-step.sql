-- What SQL tools show beside a column. A view does not take over the comments of the table under it; a test holds these to them.
ALTER TABLE {database}.transaction_summary
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

-- Steps as rows, with the columns that SQL stores have. What is of the transaction is named so; all else is the step's.
CREATE VIEW IF NOT EXISTS {database}.transaction_step
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
FROM {database}.transaction_summary AS t
ARRAY JOIN steps AS s, arrayEnumerate(steps) AS ordinal
COMMENT 'Every step of every transaction, one row each, as the transaction''s newest revision has it'
