SELECT
    entry.command_id, entry.command_type, entry.tenant_id, entry.identity, entry.revision, entry.verdict, entry.cause,
    entry.topic, entry.partition, entry."offset", entry.outcome
FROM placed
JOIN entry ON entry.rowid = placed.entry
WHERE placed.place >= :start
ORDER BY placed.place
LIMIT :most
