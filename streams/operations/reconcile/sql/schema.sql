-- The notebook: a scratch file of one run, gone after it. 32 MiB of it are kept in memory.
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32768;
PRAGMA temp_store = FILE;

-- What each party says of each command; columns: facts.py. Written in no order, read sorted by command.
CREATE TABLE fact (
    command_id     TEXT    NOT NULL,
    source         INTEGER NOT NULL,
    word           TEXT    NOT NULL,
    at_ms          INTEGER NOT NULL,
    changed_at_ms  INTEGER,
    transaction_id TEXT,
    number         INTEGER NOT NULL,
    note           TEXT,
    payload_sha256 TEXT,
    topic          TEXT,
    "partition"    INTEGER,
    "offset"       INTEGER,
    is_done        INTEGER NOT NULL
);

-- The VALID transactions of a stretch of the chain.
CREATE TABLE valid (transaction_id TEXT NOT NULL, block INTEGER NOT NULL);

-- Ids that attempts of known commands have, or could have.
CREATE TABLE possible (
    transaction_id TEXT    NOT NULL,
    command_id     TEXT    NOT NULL,
    status         TEXT    NOT NULL,
    changed_at_ms  INTEGER NOT NULL
);

-- What a judge found before anybody looked again; `topic` to `offset`: the routed command, where there is one.
CREATE TABLE suspicion (
    kind           TEXT    NOT NULL,
    command_id     TEXT    NOT NULL,
    transaction_id TEXT,
    status         TEXT,
    changed_at_ms  INTEGER,
    seen           TEXT    NOT NULL,
    attempts       INTEGER NOT NULL,
    topic          TEXT,
    "partition"    INTEGER,
    "offset"       INTEGER,
    told_at        TEXT
);

CREATE TABLE finding (
    kind           TEXT NOT NULL,
    command_id     TEXT,
    command_type   TEXT,
    identity       TEXT,
    transaction_id TEXT,
    block_number   INTEGER,
    status         TEXT,
    seen           TEXT NOT NULL,
    truth          TEXT,
    remedy         TEXT NOT NULL,
    command        TEXT NOT NULL,
    told_at        TEXT
);
