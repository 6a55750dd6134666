-- Every standard log: fields and comments as in common/tracking-log.ts, to which a test holds them. Unknown is '' for texts and NULL for numbers,
-- since 0 would be a number like others. Times are UTC.
--
-- The key keeps a transaction's logs together and is what makes a log that was sent twice one row. The collation compares byte by byte, spaces at the
-- end included: 'T1' and 'T1 ' are two transactions. An event id has up to 512 bytes and a transaction id 256, which is all that a key can have.
CREATE TABLE IF NOT EXISTS tracking_log
(
    event_id VARCHAR(512) NOT NULL COMMENT 'Identifies the log for ever. Derived from where it came from if not given, so that a log collected twice has one id.',
    transaction_id VARCHAR(256) NOT NULL COMMENT 'The business transaction that the log belongs to, 1 to 256 bytes.',
    parent_transaction_id VARCHAR(256) NOT NULL COMMENT 'The transaction that this one was split off from.',
    interface_id VARCHAR(256) NOT NULL COMMENT 'The kind of exchange, e.g. "order, shop to warehouse"; picks the flow.',
    step VARCHAR(256) NOT NULL COMMENT 'The process that reports: send, hub, receive or any other name.',
    branch VARCHAR(256) NOT NULL COMMENT 'Which of several at one step, e.g. one of three receivers that a hub fans out to.',
    attempt INT NOT NULL COMMENT '1, 2, … when a step is tried again.',
    status VARCHAR(256) NOT NULL COMMENT 'What the step says of itself; `info` never changes a state.',
    event_time DATETIME(6) NOT NULL COMMENT 'When it happened at the node, kept to the microsecond.',
    ingest_time DATETIME(6) NOT NULL COMMENT 'When the collector took it; set by the collector.',
    duration_ms DOUBLE NULL COMMENT 'How long the step took, in milliseconds, if the node measured it.',
    source_system VARCHAR(256) NOT NULL COMMENT 'The system that the message comes from.',
    target_system VARCHAR(256) NOT NULL COMMENT 'The system that the message goes to.',
    node VARCHAR(256) NOT NULL COMMENT 'The machine or EAI node that reports.',
    process VARCHAR(256) NOT NULL COMMENT 'The program, flow or adapter that reports.',
    channel VARCHAR(256) NOT NULL COMMENT 'How the log arrived: http, file, mq, …; set by the collector.',
    input VARCHAR(256) NOT NULL COMMENT 'The input''s configured name; set by the collector.',
    business_keys JSON NOT NULL COMMENT 'What people search by: order number, account, …',
    message_size BIGINT NULL COMMENT 'Size of the business message in bytes.',
    record_count BIGINT NULL COMMENT 'Records in the business message.',
    error_code VARCHAR(256) NOT NULL COMMENT 'Code of the failure.',
    error_message MEDIUMTEXT NOT NULL COMMENT 'The failure in words; cut at 8 KiB.',
    attributes JSON NOT NULL COMMENT 'Everything else that was mapped; values are cut at 4 KiB.',
    payload LONGTEXT NOT NULL COMMENT 'The business message, masked and capped.',
    trace_id VARCHAR(256) NOT NULL COMMENT 'W3C trace id, if known.',
    span_id VARCHAR(256) NOT NULL COMMENT 'W3C span id, if known.',

    PRIMARY KEY (transaction_id, event_id),
    INDEX by_interface (interface_id, event_time),
    INDEX by_status (status, event_time),
    INDEX by_collection (ingest_time)
)
ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE {collation} COMMENT 'Every tracking log, one row each, however often it was sent';
