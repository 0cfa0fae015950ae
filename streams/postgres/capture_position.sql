-- Whether every reader of this database's log has confirmed that it holds all up to a position; no row without a reader.
SELECT slot_name, active, coalesce(confirmed_flush_lsn >= %(position)s::pg_lsn, false) AS has_passed
FROM pg_replication_slots
WHERE slot_type = 'logical' AND database = current_database()
ORDER BY slot_name
