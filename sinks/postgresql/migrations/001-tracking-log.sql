-- Every standard log: fields and comments as in common/tracking-log.ts, to which a test holds them. Unknown is '' for texts and NULL for numbers,
-- since 0 would be a number like others.
--
-- The key keeps a transaction's logs together and is what makes a log that was sent twice one row. What names something is compared byte by
-- byte (COLLATE "C"): faster, and an index does not break when the system's collations change.
--
-- Business keys are found with their names, @> '{"order_no": "SO-1"}', and without, @? '$.* ? (@ == "SO-1")': the latter needs the default
-- operator class, which is not the smallest.
CREATE TABLE IF NOT EXISTS {schema}.tracking_log
(
    event_id text COLLATE "C" NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    parent_transaction_id text NOT NULL,
    interface_id text COLLATE "C" NOT NULL,
    step text NOT NULL,
    branch text NOT NULL,
    attempt integer NOT NULL,
    status text COLLATE "C" NOT NULL,
    event_time timestamptz(6) NOT NULL,
    ingest_time timestamptz(6) NOT NULL,
    duration_ms double precision,
    source_system text NOT NULL,
    target_system text NOT NULL,
    node text NOT NULL,
    process text NOT NULL,
    channel text NOT NULL,
    input text NOT NULL,
    business_keys jsonb NOT NULL,
    message_size bigint,
    record_count bigint,
    error_code text NOT NULL,
    error_message text NOT NULL,
    attributes jsonb NOT NULL,
    payload text NOT NULL,
    trace_id text NOT NULL,
    span_id text NOT NULL,
    PRIMARY KEY (transaction_id, event_id)
);

CREATE INDEX IF NOT EXISTS tracking_log_by_interface ON {schema}.tracking_log (interface_id, event_time);
CREATE INDEX IF NOT EXISTS tracking_log_by_failure ON {schema}.tracking_log (event_time) WHERE status = 'failed';
CREATE INDEX IF NOT EXISTS tracking_log_by_collection ON {schema}.tracking_log (ingest_time);
CREATE INDEX IF NOT EXISTS tracking_log_by_trace ON {schema}.tracking_log (trace_id) WHERE trace_id <> '';
CREATE INDEX IF NOT EXISTS tracking_log_by_business_key ON {schema}.tracking_log USING gin (business_keys);

COMMENT ON TABLE {schema}.tracking_log IS 'Every tracking log, one row each, however often it was sent';
COMMENT ON COLUMN {schema}.tracking_log.event_id IS 'Identifies the log for ever. Derived from where it came from if not given, so that a log collected twice has one id.';
COMMENT ON COLUMN {schema}.tracking_log.transaction_id IS 'The business transaction that the log belongs to, 1 to 256 bytes.';
COMMENT ON COLUMN {schema}.tracking_log.parent_transaction_id IS 'The transaction that this one was split off from.';
COMMENT ON COLUMN {schema}.tracking_log.interface_id IS 'The kind of exchange, e.g. "order, shop to warehouse"; picks the flow.';
COMMENT ON COLUMN {schema}.tracking_log.step IS 'The process that reports: send, hub, receive or any other name.';
COMMENT ON COLUMN {schema}.tracking_log.branch IS 'Which of several at one step, e.g. one of three receivers that a hub fans out to.';
COMMENT ON COLUMN {schema}.tracking_log.attempt IS '1, 2, … when a step is tried again.';
COMMENT ON COLUMN {schema}.tracking_log.status IS 'What the step says of itself; `info` never changes a state.';
COMMENT ON COLUMN {schema}.tracking_log.event_time IS 'When it happened at the node, kept to the microsecond.';
COMMENT ON COLUMN {schema}.tracking_log.ingest_time IS 'When the collector took it; set by the collector.';
COMMENT ON COLUMN {schema}.tracking_log.duration_ms IS 'How long the step took, in milliseconds, if the node measured it.';
COMMENT ON COLUMN {schema}.tracking_log.source_system IS 'The system that the message comes from.';
COMMENT ON COLUMN {schema}.tracking_log.target_system IS 'The system that the message goes to.';
COMMENT ON COLUMN {schema}.tracking_log.node IS 'The machine or EAI node that reports.';
COMMENT ON COLUMN {schema}.tracking_log.process IS 'The program, flow or adapter that reports.';
COMMENT ON COLUMN {schema}.tracking_log.channel IS 'How the log arrived: http, file, mq, …; set by the collector.';
COMMENT ON COLUMN {schema}.tracking_log.input IS 'The input''s configured name; set by the collector.';
COMMENT ON COLUMN {schema}.tracking_log.business_keys IS 'What people search by: order number, account, …';
COMMENT ON COLUMN {schema}.tracking_log.message_size IS 'Size of the business message in bytes.';
COMMENT ON COLUMN {schema}.tracking_log.record_count IS 'Records in the business message.';
COMMENT ON COLUMN {schema}.tracking_log.error_code IS 'Code of the failure.';
COMMENT ON COLUMN {schema}.tracking_log.error_message IS 'The failure in words; cut at 8 KiB.';
COMMENT ON COLUMN {schema}.tracking_log.attributes IS 'Everything else that was mapped; values are cut at 4 KiB.';
COMMENT ON COLUMN {schema}.tracking_log.payload IS 'The business message, masked and capped.';
COMMENT ON COLUMN {schema}.tracking_log.trace_id IS 'W3C trace id, if known.';
COMMENT ON COLUMN {schema}.tracking_log.span_id IS 'W3C span id, if known.';
