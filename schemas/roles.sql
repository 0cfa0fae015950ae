-- The roles of an outbox database. Placeholders: names of roles are identifiers, passwords literals.

-- Owns the tables; services insert and the command line works under it.
CREATE ROLE {owner} LOGIN PASSWORD {owner_password};

-- Debezium: reads the write-ahead log and takes the snapshot; its grants are in capture.sql.
CREATE ROLE {capture} LOGIN REPLICATION PASSWORD {capture_password};

-- Writes outcomes back; its grants are in sink.sql.
CREATE ROLE {sink} LOGIN PASSWORD {sink_password};
