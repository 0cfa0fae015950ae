-- So many rows that are COMMITTED, one a millisecond; ids and transaction ids follow from the number.
INSERT INTO outbox_commands (
    id, tenant_id, service, command_type, request_id, payload, status, attempts, fabric_tx_id, commit_block,
    created_at, updated_at
)
SELECT
    'command-' || encode(sha256(number::text::bytea), 'hex'),
    'default',
    'benchmark',
    'TRANSFER_TOKENS',
    number::text,
    '{"amount": "1", "fromId": "MY-3f0c1f5e6a0e4a8b", "toId": "DE-3f0c1f5e6a0e4a8b"}',
    'COMMITTED',
    1,
    encode(sha256(('transaction ' || number)::bytea), 'hex'),
    number / 100,
    %(since)s::timestamptz + number * interval '1 millisecond',
    %(since)s::timestamptz + number * interval '1 millisecond'
FROM generate_series(0, %(commands)s - 1) AS number
