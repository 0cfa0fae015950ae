-- Age in seconds of the oldest row that is PENDING, by the index on status and time of creation; 0 if there is none.
SELECT greatest(0, coalesce(extract(epoch FROM now() - (
    SELECT {created_at} FROM {table} WHERE {status} = 'PENDING' ORDER BY {created_at} LIMIT 1
)), 0))::float8
