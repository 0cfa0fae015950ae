-- The outbox under the names of the profile `camel_case`: as Prisma makes it from the model OutboxCommand.

CREATE TYPE "CommandType" AS ENUM (
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

CREATE TYPE "OutboxStatus" AS ENUM ('PENDING', 'LOCKED', 'SUBMITTED', 'COMMITTED', 'FAILED');

-- As in the deployed table, `id` and "updatedAt" have no default: whoever writes a row gives them.
-- "traceparent", the trace context of the service (W3C), is optional: a table without it works as well.
CREATE TABLE "OutboxCommand" (
    "id"          text           NOT NULL,
    "tenantId"    text           NOT NULL,
    "service"     text           NOT NULL,
    "commandType" "CommandType"  NOT NULL,
    "requestId"   text           NOT NULL,
    "payload"     jsonb          NOT NULL,
    "status"      "OutboxStatus" NOT NULL DEFAULT 'PENDING',
    "attempts"    integer        NOT NULL DEFAULT 0,
    "lockedBy"    text,
    "lockedAt"    timestamptz(3),
    "submittedAt" timestamptz(3),
    "fabricTxId"  text,
    "commitBlock" bigint,
    "errorCode"   text,
    "error"       text,
    "createdAt"   timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt"   timestamptz(3) NOT NULL,
    "traceparent" text,
    CONSTRAINT "OutboxCommand_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "OutboxCommand_tenantId_requestId_key" ON "OutboxCommand" ("tenantId", "requestId");
CREATE INDEX "OutboxCommand_status_createdAt_idx" ON "OutboxCommand" ("status", "createdAt");
CREATE INDEX "OutboxCommand_tenantId_status_idx" ON "OutboxCommand" ("tenantId", "status");
CREATE INDEX "OutboxCommand_fabricTxId_idx" ON "OutboxCommand" ("fabricTxId");
