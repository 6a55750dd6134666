-- What could not become a standard log or could not be stored (common/dead-letter.ts). CONVERT(raw USING utf8mb4) shows a record that is text.
CREATE TABLE IF NOT EXISTS dead_letter
(
    event_id VARCHAR(512) NOT NULL COMMENT 'Where the record stood: the same record has the same id',
    stage VARCHAR(256) NOT NULL COMMENT 'Where it failed: frame, decode, map, validate, mask, or a sink',
    input VARCHAR(256) NOT NULL COMMENT 'The input''s configured name',
    channel VARCHAR(256) NOT NULL COMMENT 'How it arrived: http, file, …',
    reason MEDIUMTEXT NOT NULL COMMENT 'Why, in words, naming the field where there is one',
    ingest_time DATETIME(6) NOT NULL COMMENT 'When it was refused',
    raw LONGBLOB NOT NULL COMMENT 'The raw record, to the byte',
    meta JSON NOT NULL COMMENT 'What the input knew beside the record: path, offset, …',

    PRIMARY KEY (event_id, stage),
    INDEX by_time (ingest_time)
)
ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE {collation} COMMENT 'Records that could not be taken, whole, with their reasons';
