-- What is known of each command.
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE told (
    command_id        TEXT PRIMARY KEY,
    outcome           TEXT,
    happened_at       REAL,
    identity          TEXT,
    transaction_id    TEXT,
    error_code        TEXT,
    error             TEXT,
    attempts          INTEGER NOT NULL DEFAULT 0,
    letter            TEXT,
    outcome_topic     TEXT,
    outcome_partition INTEGER,
    outcome_offset    INTEGER,
    letter_topic      TEXT,
    letter_partition  INTEGER,
    letter_offset     INTEGER
) WITHOUT ROWID;
BEGIN;
