-- VALID transactions that no row of the window shows, and that no attempt of its rows can have made, by block.
SELECT valid.transaction_id, valid.block
FROM valid
WHERE NOT EXISTS (SELECT 1 FROM fact WHERE fact.transaction_id = valid.transaction_id AND fact.source = 0)
  AND NOT EXISTS (SELECT 1 FROM possible WHERE possible.transaction_id = valid.transaction_id)
ORDER BY valid.block
