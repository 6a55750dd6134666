-- What could not become a standard log or could not be stored (common/dead-letter.ts). U+0000, which a text cannot hold, is ␀ in its words; the
-- record itself is bytes: convert_from(raw, 'UTF8') shows it if it is text.
CREATE TABLE IF NOT EXISTS {schema}.dead_letter
(
    event_id text COLLATE "C" NOT NULL,
    stage text COLLATE "C" NOT NULL,
    input text NOT NULL,
    channel text NOT NULL,
    reason text NOT NULL,
    ingest_time timestamptz(6) NOT NULL,
    raw bytea NOT NULL,
    meta jsonb NOT NULL,
    PRIMARY KEY (event_id, stage)
);

CREATE INDEX IF NOT EXISTS dead_letter_by_time ON {schema}.dead_letter (ingest_time);

COMMENT ON TABLE {schema}.dead_letter IS 'Records that could not be taken, whole, with their reasons';
COMMENT ON COLUMN {schema}.dead_letter.event_id IS 'Where the record stood: the same record has the same id';
COMMENT ON COLUMN {schema}.dead_letter.stage IS 'Where it failed: frame, decode, map, validate, mask, or a sink';
COMMENT ON COLUMN {schema}.dead_letter.input IS 'The input''s configured name';
COMMENT ON COLUMN {schema}.dead_letter.channel IS 'How it arrived: http, file, …';
COMMENT ON COLUMN {schema}.dead_letter.reason IS 'Why, in words, naming the field where there is one';
COMMENT ON COLUMN {schema}.dead_letter.ingest_time IS 'When it was refused';
COMMENT ON COLUMN {schema}.dead_letter.raw IS 'The raw record, to the byte';
COMMENT ON COLUMN {schema}.dead_letter.meta IS 'What the input knew beside the record: path, offset, …';
