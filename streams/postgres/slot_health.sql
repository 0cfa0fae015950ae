-- The logical slots of this database: what each makes Postgres keep, and how much more may be written before it is lost.
-- On a standby the log that was replayed last takes the place of the one that is written.
SELECT
    slot_name,
    active,
    wal_status,
    pg_wal_lsn_diff(
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
        restart_lsn
    )::bigint AS retained_bytes,
    safe_wal_size AS safe_wal_bytes
FROM pg_replication_slots
WHERE slot_type = 'logical' AND database = current_database()
ORDER BY slot_name
