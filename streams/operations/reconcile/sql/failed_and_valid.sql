-- FAILED rows which the chain nevertheless holds as VALID under an id of theirs.
SELECT possible.command_id, valid.transaction_id, possible.changed_at_ms, min(valid.block)
FROM possible
JOIN valid ON valid.transaction_id = possible.transaction_id
WHERE possible.status = 'FAILED'
GROUP BY possible.command_id
