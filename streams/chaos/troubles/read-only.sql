-- As after a failover to a standby, or when somebody protects a disk that is nearly full. Reload afterwards.
ALTER SYSTEM SET default_transaction_read_only = on
