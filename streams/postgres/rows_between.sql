-- What reconciliation needs of the rows created in a stretch of time, whatever their status: naming every status lets
-- the index on (status, created_at) be used. The payload is compared by its hash: jsonb has one text for one value.
SELECT
    {id}                 AS command_id,
    {status}::text       AS status,
    {attempts}           AS attempts,
    {fabric_tx_id}       AS transaction_id,
    {error_code}         AS error_code,
    {created_at}         AS created_at,
    {updated_at}         AS updated_at,
    encode(sha256(convert_to({payload}::text, 'UTF8')), 'hex') AS payload_sha256
FROM {table}
WHERE {status} = ANY (enum_range(NULL::{status_type}))
  AND {created_at} >= %(since)s
  AND {created_at} < %(until)s
