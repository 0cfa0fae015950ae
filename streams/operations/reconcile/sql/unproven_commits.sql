-- Rows that are COMMITTED under an id that was not among the VALID ones of the chain that was read.
SELECT row.command_id, row.transaction_id, row.changed_at_ms
FROM fact AS row
WHERE row.source = 0
  AND row.word = 'COMMITTED'
  AND row.changed_at_ms < :until_ms
  AND NOT EXISTS (SELECT 1 FROM valid WHERE valid.transaction_id = row.transaction_id)
