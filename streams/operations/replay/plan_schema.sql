-- What a plan publishes.
CREATE TABLE entry (
    command_id   TEXT,
    command_type TEXT,
    tenant_id    TEXT,
    identity     TEXT,
    revision     INTEGER,
    verdict      TEXT,
    cause        TEXT,
    topic        TEXT,
    partition    INTEGER,
    "offset"     INTEGER,
    outcome      TEXT
);
CREATE TABLE placed (
    place      INTEGER PRIMARY KEY,
    command_id TEXT NOT NULL,
    entry      INTEGER NOT NULL
);
CREATE INDEX placed_command ON placed (command_id);
BEGIN;
