-- What Debezium is asked to emit: these rows, in the order of their creation. One that was submitted meanwhile stays.
SELECT * FROM {table}
WHERE {id} IN ({command_ids}) AND {status}::text IN ('PENDING', 'LOCKED') AND {fabric_tx_id} IS NULL
ORDER BY {created_at}
