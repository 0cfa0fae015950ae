-- The order of publishing: partition by partition, so that each one is read once from its first record to its last.
INSERT INTO placed (place, command_id, entry)
SELECT row_number() OVER (ORDER BY topic, partition, "offset") - 1, command_id, rowid
FROM entry
