-- One statement per batch of outcomes, each command once. PENDING is the news of a command that is held back: its row
-- keeps the status it has (PENDING or LOCKED) and its lock. The guard is the WHERE clause: a final row never changes,
-- unless it is FAILED and an operator had its command tried again; a SUBMITTED one is not held back any more; and a row
-- that shows the news already is not written again.
UPDATE {table} AS outbox
SET {status}       = CASE news.status WHEN 'PENDING' THEN outbox.{status} ELSE news.status::{status_type} END,
    {attempts}     = greatest(outbox.{attempts}, news.attempts),
    {fabric_tx_id} = coalesce(news.transaction_id, outbox.{fabric_tx_id}),
    {commit_block} = coalesce(news.block_number, outbox.{commit_block}),
    {submitted_at} = coalesce(news.submitted_at, outbox.{submitted_at}),
    {error_code}   = news.error_code,
    {error}        = news.error,
    {locked_by}    = CASE news.status WHEN 'PENDING' THEN outbox.{locked_by} END,
    {locked_at}    = CASE news.status WHEN 'PENDING' THEN outbox.{locked_at} END,
    {updated_at}   = now()
FROM unnest(
    %(command_ids)s::text[],
    %(statuses)s::text[],
    %(attempts)s::int[],
    %(transaction_ids)s::text[],
    %(block_numbers)s::bigint[],
    %(submitted_ats)s::timestamptz[],
    %(error_codes)s::text[],
    %(errors)s::text[],
    %(redrives)s::boolean[]
) AS news (command_id, status, attempts, transaction_id, block_number, submitted_at, error_code, error, is_redrive)
WHERE outbox.{id} = news.command_id
  AND (
    outbox.{status} IN ('PENDING', 'LOCKED', 'SUBMITTED')
    OR (outbox.{status} = 'FAILED' AND news.is_redrive AND news.status <> 'PENDING')
  )
  AND NOT (outbox.{status} = 'SUBMITTED' AND news.status = 'PENDING')
  AND (
    CASE news.status WHEN 'PENDING' THEN outbox.{status}::text ELSE news.status END,
    greatest(outbox.{attempts}, news.attempts),
    coalesce(news.transaction_id, outbox.{fabric_tx_id}),
    coalesce(news.block_number, outbox.{commit_block}),
    coalesce(news.submitted_at, outbox.{submitted_at}),
    news.error_code,
    news.error
  ) IS DISTINCT FROM (
    outbox.{status}::text,
    outbox.{attempts},
    outbox.{fabric_tx_id},
    outbox.{commit_block},
    outbox.{submitted_at},
    outbox.{error_code},
    outbox.{error}
  )
RETURNING outbox.{id}
