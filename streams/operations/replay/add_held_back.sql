INSERT INTO held_back (command_id, status, transaction_id, verdict, reason)
VALUES (:command_id, :status, :transaction_id, :verdict, :reason)
