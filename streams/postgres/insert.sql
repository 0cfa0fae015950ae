-- One command, as a producing service writes it. created_at and status have defaults.
INSERT INTO {table} ({id}, {tenant_id}, {service}, {command_type}, {request_id}, {payload}, {updated_at})
VALUES (
    %(command_id)s,
    %(tenant_id)s,
    %(service)s,
    %(command_type)s::{command_type_type},
    %(request_id)s,
    %(payload)s::jsonb,
    now()
)
