-- What Debezium is asked to emit: these rows, in the order of their creation.
SELECT * FROM {table} WHERE {id} IN ({command_ids}) ORDER BY {created_at}
