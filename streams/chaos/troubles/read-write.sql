-- The end of read-only. Reload afterwards.
ALTER SYSTEM RESET default_transaction_read_only
