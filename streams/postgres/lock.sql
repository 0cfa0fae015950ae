-- The rows that nobody else has locked, locked as an UPDATE would lock them.
SELECT {id}
FROM {table}
WHERE {id} = ANY(%(command_ids)s::text[])
FOR NO KEY UPDATE SKIP LOCKED
