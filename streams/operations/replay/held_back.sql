SELECT command_id, status, transaction_id, verdict, reason FROM held_back ORDER BY n
