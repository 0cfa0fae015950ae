-- One statement per batch of outcomes. The guard is the WHERE clause: a final row never changes, and a row that is
-- SUBMITTED is not written again by the same news.
UPDATE {table} AS outbox
SET {status}       = news.status::{status_type},
    {attempts}     = greatest(outbox.{attempts}, news.attempts),
    {fabric_tx_id} = coalesce(news.transaction_id, outbox.{fabric_tx_id}),
    {commit_block} = coalesce(news.block_number, outbox.{commit_block}),
    {submitted_at} = coalesce(news.submitted_at, outbox.{submitted_at}),
    {error_code}   = news.error_code,
    {error}        = news.error,
    {locked_by}    = NULL,
    {locked_at}    = NULL,
    {updated_at}   = now()
FROM unnest(
    %(command_ids)s::text[],
    %(statuses)s::text[],
    %(attempts)s::int[],
    %(transaction_ids)s::text[],
    %(block_numbers)s::bigint[],
    %(submitted_ats)s::timestamptz[],
    %(error_codes)s::text[],
    %(errors)s::text[]
) AS news (command_id, status, attempts, transaction_id, block_number, submitted_at, error_code, error)
WHERE outbox.{id} = news.command_id
  AND (
    outbox.{status} IN ('PENDING', 'LOCKED')
    OR (
        outbox.{status} = 'SUBMITTED'
        AND (
            news.status <> 'SUBMITTED'
            OR news.error IS DISTINCT FROM outbox.{error}
            OR coalesce(news.transaction_id, outbox.{fabric_tx_id}) IS DISTINCT FROM outbox.{fabric_tx_id}
        )
    )
  )
RETURNING outbox.{id}
