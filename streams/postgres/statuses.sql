-- The status of the given commands' rows.
SELECT {id}, {status}::text
FROM {table}
WHERE {id} = ANY(%(command_ids)s::text[])
