-- The newest revision of every transaction (common/summary.ts). A revision replaces another if its transaction was begun earlier, or if it has the
-- greater version; the statement that writes it decides that.
CREATE TABLE IF NOT EXISTS {schema}.transaction_summary
(
    transaction_id text COLLATE "C" NOT NULL,
    interface_id text COLLATE "C" NOT NULL,
    parent_transaction_id text NOT NULL,
    source_system text NOT NULL,
    target_system text NOT NULL,
    status text COLLATE "C" NOT NULL,
    started_at timestamptz(6) NOT NULL,
    ended_at timestamptz(6),
    last_event_at timestamptz(6) NOT NULL,
    duration_ms double precision,
    steps_expected integer NOT NULL,
    steps_finished integer NOT NULL,
    steps jsonb NOT NULL,
    last_step text NOT NULL,
    error_step text NOT NULL,
    error_branch text NOT NULL,
    error_code text NOT NULL,
    error_message text NOT NULL,
    error_at timestamptz(6),
    business_keys jsonb NOT NULL,
    late boolean NOT NULL,
    cut boolean NOT NULL,
    deadline_at timestamptz(6),
    version bigint NOT NULL,
    created_at timestamptz(6) NOT NULL,
    updated_at timestamptz(6) NOT NULL,
    PRIMARY KEY (transaction_id)
);

CREATE INDEX IF NOT EXISTS transaction_summary_by_interface ON {schema}.transaction_summary (interface_id, started_at);
CREATE INDEX IF NOT EXISTS transaction_summary_by_status ON {schema}.transaction_summary (status, updated_at);
CREATE INDEX IF NOT EXISTS transaction_summary_by_update ON {schema}.transaction_summary (updated_at);
CREATE INDEX IF NOT EXISTS transaction_summary_by_business_key ON {schema}.transaction_summary USING gin (business_keys);

COMMENT ON TABLE {schema}.transaction_summary IS 'One row per transaction: its newest revision';
COMMENT ON COLUMN {schema}.transaction_summary.transaction_id IS 'The business transaction';
COMMENT ON COLUMN {schema}.transaction_summary.interface_id IS 'The kind of exchange; it picks the flow';
COMMENT ON COLUMN {schema}.transaction_summary.parent_transaction_id IS 'The transaction that this one was split off from';
COMMENT ON COLUMN {schema}.transaction_summary.source_system IS 'The system that the message comes from';
COMMENT ON COLUMN {schema}.transaction_summary.target_system IS 'The system that the message goes to';
COMMENT ON COLUMN {schema}.transaction_summary.status IS 'in_progress, completed, failed or timed_out';
COMMENT ON COLUMN {schema}.transaction_summary.started_at IS 'The earliest sign of any step, by the node''s clock';
COMMENT ON COLUMN {schema}.transaction_summary.ended_at IS 'The latest end of a step, once completed or failed';
COMMENT ON COLUMN {schema}.transaction_summary.last_event_at IS 'Time of the newest log';
COMMENT ON COLUMN {schema}.transaction_summary.duration_ms IS 'From started_at to ended_at, in milliseconds';
COMMENT ON COLUMN {schema}.transaction_summary.steps_expected IS 'Steps (and branches) that the flow expects';
COMMENT ON COLUMN {schema}.transaction_summary.steps_finished IS 'Of these, how many have succeeded or were skipped';
COMMENT ON COLUMN {schema}.transaction_summary.steps IS 'Steps in the flow''s order, then unexpected ones; one row each in transaction_step';
COMMENT ON COLUMN {schema}.transaction_summary.last_step IS 'The step of the newest log';
COMMENT ON COLUMN {schema}.transaction_summary.error_step IS 'Step of the first failure, also when a later attempt cleared it';
COMMENT ON COLUMN {schema}.transaction_summary.error_branch IS 'Branch of the first failure';
COMMENT ON COLUMN {schema}.transaction_summary.error_code IS 'Code of the first failure';
COMMENT ON COLUMN {schema}.transaction_summary.error_message IS 'Words of the first failure';
COMMENT ON COLUMN {schema}.transaction_summary.error_at IS 'Time of the first failure';
COMMENT ON COLUMN {schema}.transaction_summary.business_keys IS 'What people search by: order number, account, …';
COMMENT ON COLUMN {schema}.transaction_summary.late IS 'True for ever once a deadline passed before the transaction was completed or failed';
COMMENT ON COLUMN {schema}.transaction_summary.cut IS 'True if there were more steps or keys than a summary holds; all are in tracking_log';
COMMENT ON COLUMN {schema}.transaction_summary.deadline_at IS 'The next deadline that is not met yet';
COMMENT ON COLUMN {schema}.transaction_summary.version IS 'Revision: grows by one with every change; the newest is the truth';
COMMENT ON COLUMN {schema}.transaction_summary.created_at IS 'When the first log was collected; never changes';
COMMENT ON COLUMN {schema}.transaction_summary.updated_at IS 'When this revision came to be';

CREATE OR REPLACE VIEW {schema}.transaction_step AS
SELECT t.transaction_id, t.interface_id, t.status AS transaction_status, s.ordinal::integer AS ordinal,
    s.step, s.branch, s.attempt, s.status, s.started_at, s.ended_at, s.duration_ms, s.queue_ms, s.node, s.error_code, s.error_message, s.expected
FROM {schema}.transaction_summary AS t
CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(t.steps) AS (
    step text, branch text, attempt integer, status text, started_at timestamptz, ended_at timestamptz, duration_ms double precision,
    queue_ms double precision, node text, error_code text, error_message text, expected boolean
)) WITH ORDINALITY AS s (step, branch, attempt, status, started_at, ended_at, duration_ms, queue_ms, node, error_code, error_message, expected, ordinal);

COMMENT ON VIEW {schema}.transaction_step IS 'The steps of transaction_summary, one row each, in the flow''s order';
