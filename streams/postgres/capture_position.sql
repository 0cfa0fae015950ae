-- Whether the reader of a slot has confirmed that it holds all up to a position; no row where the slot is gone. The other
-- slots of the database are somebody else's, and may stand still for as long as they like.
SELECT slot_name, active, coalesce(confirmed_flush_lsn >= %(position)s::pg_lsn, false) AS has_passed
FROM pg_replication_slots
WHERE slot_type = 'logical' AND database = current_database() AND slot_name = %(slot)s
