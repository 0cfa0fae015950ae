SELECT kind, command_id, command_type, identity, transaction_id, block_number, status, seen, truth, remedy, command, told_at
FROM finding
ORDER BY kind, command_id, transaction_id
