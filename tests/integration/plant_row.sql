-- A row as it would be found: whatever put it into this state, and when.
UPDATE {table}
SET {status}       = %(status)s::{status_type},
    {attempts}     = %(attempts)s,
    {fabric_tx_id} = %(transaction_id)s,
    {error_code}   = %(error_code)s,
    {payload}      = coalesce(%(payload)s::jsonb, {payload}),
    {created_at}   = %(created_at)s,
    {updated_at}   = %(updated_at)s
WHERE {id} = %(command_id)s
