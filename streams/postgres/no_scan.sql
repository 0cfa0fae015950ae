-- For questions that an index answers, whatever the planner believes of the table: a scan of millions of rows is no
-- price for a gauge. Until the end of the transaction.
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)
