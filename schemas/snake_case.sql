-- The outbox under the names of the profile `snake_case`.

CREATE TYPE command_type AS ENUM (
    'CREATE_USER',
    'TRANSFER_TOKENS',
    'DISTRIBUTE_GENESIS',
    'FREEZE_WALLET',
    'UNFREEZE_WALLET',
    'PROPOSE_ORGANIZATION',
    'ENDORSE_MEMBERSHIP',
    'ACTIVATE_ORGANIZATION',
    'DEFINE_AUTH_RULE',
    'INITIATE_MULTISIG_TX',
    'APPROVE_MULTISIG_TX',
    'EXECUTE_MULTISIG_TX',
    'APPLY_FOR_LOAN',
    'APPROVE_LOAN',
    'SUBMIT_PROPOSAL',
    'CAST_VOTE',
    'EXECUTE_PROPOSAL',
    'BOOTSTRAP_SYSTEM',
    'INITIALIZE_COUNTRY_DATA',
    'UPDATE_SYSTEM_PARAMETER',
    'PAUSE_SYSTEM',
    'RESUME_SYSTEM',
    'APPOINT_ADMIN',
    'ACTIVATE_TREASURY',
    'MINT',
    'APPLY_VELOCITY_TAX',
    'Q_SEND_PAY'
);

CREATE TYPE outbox_status AS ENUM ('PENDING', 'LOCKED', 'SUBMITTED', 'COMMITTED', 'FAILED');

-- As in the deployed table, `id` and `updated_at` have no default: whoever writes a row gives them.
-- `traceparent`, the trace context of the service (W3C), is optional: a table without it works as well.
CREATE TABLE outbox_commands (
    id           text           NOT NULL,
    tenant_id    text           NOT NULL,
    service      text           NOT NULL,
    command_type command_type   NOT NULL,
    request_id   text           NOT NULL,
    payload      jsonb          NOT NULL,
    status       outbox_status  NOT NULL DEFAULT 'PENDING',
    attempts     integer        NOT NULL DEFAULT 0,
    locked_by    text,
    locked_at    timestamptz(3),
    submitted_at timestamptz(3),
    fabric_tx_id text,
    commit_block bigint,
    error_code   text,
    error        text,
    created_at   timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at   timestamptz(3) NOT NULL,
    traceparent  text,
    CONSTRAINT outbox_commands_pkey PRIMARY KEY (id)
);

CREATE UNIQUE INDEX outbox_commands_tenant_id_request_id_key ON outbox_commands (tenant_id, request_id);
CREATE INDEX outbox_commands_status_created_at_idx ON outbox_commands (status, created_at);
CREATE INDEX outbox_commands_tenant_id_status_idx ON outbox_commands (tenant_id, status);
CREATE INDEX outbox_commands_fabric_tx_id_idx ON outbox_commands (fabric_tx_id);
