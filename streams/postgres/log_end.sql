-- The end of the write-ahead log.
SELECT pg_current_wal_lsn()::text
