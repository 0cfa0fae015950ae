-- Debezium's replication slots of this database, and how much log each holds back.
SELECT
    slot_name,
    active,
    wal_status,
    pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint AS retained_bytes
FROM pg_replication_slots
WHERE slot_type = 'logical' AND database = current_database()
ORDER BY slot_name
