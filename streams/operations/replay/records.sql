-- Records in the order of their reading, each with the newest one of its command if that is another one.
SELECT
    record.n, record.command_id, record.command_type, record.tenant_id,
    record.topic, record.partition, record.position, record.value, record.problem,
    newest.topic, newest.partition, newest.position, under_way.command_id IS NOT NULL
FROM record
LEFT JOIN newest
    ON newest.command_id = record.command_id
    AND (newest.topic, newest.partition, newest.position) IS NOT (record.topic, record.partition, record.position)
LEFT JOIN under_way ON under_way.command_id = record.command_id
WHERE record.n > :after
ORDER BY record.n
LIMIT :most
