-- The rows of a table that a plan looks at. `known`: commands that have an event.
CREATE TABLE known (command_id TEXT PRIMARY KEY) WITHOUT ROWID;

-- Rows that are to be emitted, in the order of their creation.
CREATE TABLE missing (n INTEGER PRIMARY KEY, command_id TEXT NOT NULL);

-- Rows without an event that are not emitted, and why.
CREATE TABLE held_back (
    n              INTEGER PRIMARY KEY,
    command_id     TEXT NOT NULL,
    status         TEXT NOT NULL,
    transaction_id TEXT,
    verdict        TEXT NOT NULL,
    reason         TEXT NOT NULL
);
BEGIN;
