-- As a service that traces writes its row.
INSERT INTO outbox_commands (id, tenant_id, service, command_type, request_id, payload, updated_at, traceparent)
VALUES (
    %(command_id)s, 'default', 'test', %(command_type)s::command_type, %(command_id)s, %(payload)s::jsonb, now(),
    %(traceparent)s
)
