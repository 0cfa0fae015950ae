-- What the audit trigger wrote down, in order.
SELECT
    number,
    command_id,
    status_before AS before,
    status_after  AS after,
    transaction_id,
    error,
    changed_at
FROM audit.status_changes
ORDER BY number
