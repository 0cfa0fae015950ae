-- The rows of the outbox as they are, in the order in which they were inserted. A row whose insert the trigger did not
-- see comes last.
SELECT
    o.id                 AS command_id,
    o.command_type::text AS command_type,
    o.payload::text      AS payload,
    o.status::text       AS status,
    o.fabric_tx_id       AS transaction_id,
    o.commit_block       AS block_number,
    o.error_code         AS error_code,
    o.error              AS error
FROM outbox_commands AS o
LEFT JOIN audit.status_changes AS inserted ON inserted.command_id = o.id AND inserted.status_before IS NULL
ORDER BY inserted.number NULLS LAST, o.created_at
