-- What a replay looks at, beside the history of its commands.
CREATE TABLE record (
    n            INTEGER PRIMARY KEY,
    command_id   TEXT,
    command_type TEXT,
    tenant_id    TEXT,
    topic        TEXT NOT NULL,
    partition    INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    value        BLOB,
    problem      TEXT
);
CREATE INDEX record_command ON record (command_id, n);

-- The newest record of each command, with its revision.
CREATE TABLE newest (
    command_id TEXT PRIMARY KEY,
    revision   INTEGER NOT NULL,
    topic      TEXT NOT NULL,
    partition  INTEGER NOT NULL,
    position   INTEGER NOT NULL
) WITHOUT ROWID;

-- Commands that a replay has delivered and no worker has acknowledged.
CREATE TABLE under_way (command_id TEXT PRIMARY KEY) WITHOUT ROWID;
BEGIN;
