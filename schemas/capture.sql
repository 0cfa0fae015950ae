-- What change data capture needs beside the outbox table. Placeholders are identifiers, those of tables qualified;
-- heartbeats and signals are made here, and capture is the role that Debezium logs in with.

-- A row every few seconds lets the replication slot advance while the outbox is idle, so that old WAL can go.
CREATE TABLE {heartbeats} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ts timestamptz NOT NULL
);

-- Debezium's signalling table; the columns are Debezium's.
CREATE TABLE {signals} (
    id   varchar(42) PRIMARY KEY,
    type varchar(32) NOT NULL,
    data varchar(2048)
);

-- Inserts only: status updates of the outbox must not come back as events.
CREATE PUBLICATION {publication} FOR TABLE {table}, {heartbeats}, {signals} WITH (publish = 'insert');

GRANT USAGE ON SCHEMA {schema} TO {capture};
GRANT SELECT ON {table} TO {capture};
-- DELETE: the heartbeat query clears old heartbeats.
GRANT SELECT, INSERT, DELETE ON {heartbeats} TO {capture};
GRANT SELECT, INSERT ON {signals} TO {capture};
