-- The newest revision of every transaction (common/summary.ts). A revision replaces another if its transaction was begun earlier, or if it has the
-- greater version; the statement that writes it decides that.
CREATE TABLE IF NOT EXISTS transaction_summary
(
    transaction_id VARCHAR(256) NOT NULL COMMENT 'The business transaction',
    interface_id VARCHAR(256) NOT NULL COMMENT 'The kind of exchange; it picks the flow',
    parent_transaction_id VARCHAR(256) NOT NULL COMMENT 'The transaction that this one was split off from',
    source_system VARCHAR(256) NOT NULL COMMENT 'The system that the message comes from',
    target_system VARCHAR(256) NOT NULL COMMENT 'The system that the message goes to',
    status VARCHAR(256) NOT NULL COMMENT 'in_progress, completed, failed or timed_out',
    started_at DATETIME(6) NOT NULL COMMENT 'The earliest sign of any step, by the node''s clock',
    ended_at DATETIME(6) NULL COMMENT 'The latest end of a step, once completed or failed',
    last_event_at DATETIME(6) NOT NULL COMMENT 'Time of the newest log',
    duration_ms DOUBLE NULL COMMENT 'From started_at to ended_at, in milliseconds',
    steps_expected INT NOT NULL COMMENT 'Steps (and branches) that the flow expects',
    steps_finished INT NOT NULL COMMENT 'Of these, how many have succeeded or were skipped',
    steps JSON NOT NULL COMMENT 'Steps in the flow''s order, then unexpected ones; one row each in transaction_step',
    last_step VARCHAR(256) NOT NULL COMMENT 'The step of the newest log',
    error_step VARCHAR(256) NOT NULL COMMENT 'Step of the first failure, also when a later attempt cleared it',
    error_branch VARCHAR(256) NOT NULL COMMENT 'Branch of the first failure',
    error_code VARCHAR(256) NOT NULL COMMENT 'Code of the first failure',
    error_message MEDIUMTEXT NOT NULL COMMENT 'Words of the first failure',
    error_at DATETIME(6) NULL COMMENT 'Time of the first failure',
    business_keys JSON NOT NULL COMMENT 'What people search by: order number, account, …',
    late BOOLEAN NOT NULL COMMENT 'True for ever once a deadline passed before the transaction was completed or failed',
    cut BOOLEAN NOT NULL COMMENT 'True if there were more steps or keys than a summary holds; all are in tracking_log',
    deadline_at DATETIME(6) NULL COMMENT 'The next deadline that is not met yet',
    version BIGINT NOT NULL COMMENT 'Revision: grows by one with every change; the newest is the truth',
    created_at DATETIME(6) NOT NULL COMMENT 'When the first log was collected; never changes',
    updated_at DATETIME(6) NOT NULL COMMENT 'When this revision came to be',

    PRIMARY KEY (transaction_id),
    INDEX by_interface (interface_id, started_at),
    INDEX by_status (status, updated_at),
    INDEX by_update (updated_at)
)
ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE {collation} COMMENT 'One row per transaction: its newest revision';

CREATE OR REPLACE SQL SECURITY INVOKER VIEW transaction_step AS
SELECT t.transaction_id, t.interface_id, t.status AS transaction_status, s.ordinal, s.step, s.branch, s.attempt, s.status,
    STR_TO_DATE(s.started_at, '%Y-%m-%dT%H:%i:%s.%fZ') AS started_at, STR_TO_DATE(s.ended_at, '%Y-%m-%dT%H:%i:%s.%fZ') AS ended_at,
    s.duration_ms, s.queue_ms, s.node, s.error_code, s.error_message, s.expected
FROM transaction_summary AS t
JOIN JSON_TABLE(t.steps, '$[*]' COLUMNS (
    ordinal FOR ORDINALITY,
    step VARCHAR(256) PATH '$.step',
    branch VARCHAR(256) PATH '$.branch',
    attempt INT PATH '$.attempt',
    status VARCHAR(256) PATH '$.status',
    started_at VARCHAR(27) PATH '$.started_at',
    ended_at VARCHAR(27) PATH '$.ended_at',
    duration_ms DOUBLE PATH '$.duration_ms',
    queue_ms DOUBLE PATH '$.queue_ms',
    node VARCHAR(256) PATH '$.node',
    error_code VARCHAR(256) PATH '$.error_code',
    error_message TEXT PATH '$.error_message',
    expected BOOLEAN PATH '$.expected'
)) AS s;

-- What transactions are found by: MariaDB has no index into JSON. One row for each business key that a transaction ever had, gone with its transaction;
-- values are cut, the whole ones are in transaction_summary.
CREATE TABLE IF NOT EXISTS business_key
(
    value VARCHAR(256) NOT NULL COMMENT 'The value, cut at 256 characters',
    name VARCHAR(128) NOT NULL COMMENT 'The key: order_no, account, …',
    transaction_id VARCHAR(256) NOT NULL COMMENT 'The business transaction',

    PRIMARY KEY (value, name, transaction_id),
    INDEX by_transaction (transaction_id),
    CONSTRAINT business_key_of_transaction FOREIGN KEY (transaction_id) REFERENCES transaction_summary (transaction_id) ON DELETE CASCADE
)
ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE {collation} COMMENT 'Business keys of transactions, to find them by';
