-- Made once everything is written: sorting is cheaper than keeping an order.
CREATE INDEX valid_transaction ON valid (transaction_id);
CREATE INDEX fact_transaction ON fact (transaction_id, source, command_id) WHERE transaction_id IS NOT NULL;
CREATE INDEX possible_transaction ON possible (transaction_id);
