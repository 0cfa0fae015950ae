-- As superuser: Postgres keeps next to no log for slots, writes 60 MB, and looks at its slots at the checkpoint.
ALTER SYSTEM SET max_slot_wal_keep_size = '16MB';
SELECT pg_reload_conf();
SELECT pg_logical_emit_message(false, 'filler', repeat('x', 60000000));
CHECKPOINT;
