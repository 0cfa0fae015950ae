-- Rows that nobody has finished, the oldest first, once they are old enough to have been captured.
SELECT
    {id}                 AS command_id,
    {tenant_id}          AS tenant_id,
    {service}            AS service,
    {command_type}::text AS command_type,
    {request_id}         AS request_id,
    {payload}::text      AS payload,
    {status}::text       AS status,
    {attempts}           AS attempts,
    {submitted_at}       AS submitted_at,
    {fabric_tx_id}       AS transaction_id,
    {commit_block}       AS block_number,
    {error_code}         AS error_code,
    {error}              AS error,
    {created_at}         AS created_at,
    {updated_at}         AS updated_at
FROM {table}
WHERE {status}::text = ANY(%(statuses)s::text[]) AND {created_at} < now() - %(older_than)s::interval
ORDER BY {created_at}
