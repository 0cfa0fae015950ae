-- The command that an outcome has told of under this id.
SELECT command_id FROM fact WHERE transaction_id = :transaction_id AND source = 3 LIMIT 1
