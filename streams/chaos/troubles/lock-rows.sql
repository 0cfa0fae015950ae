-- A session that takes rows in hand and forgets them: the newest that have no end yet.
SELECT id
FROM outbox_commands
WHERE status IN ('PENDING', 'SUBMITTED')
ORDER BY created_at DESC
LIMIT 20
FOR UPDATE SKIP LOCKED
