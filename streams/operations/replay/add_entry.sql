INSERT INTO entry (
    command_id, command_type, tenant_id, identity, revision, verdict, cause, topic, partition, "offset", outcome
)
VALUES (
    :command_id, :command_type, :tenant_id, :identity, :revision, :verdict, :cause, :topic, :partition, :offset,
    :outcome
)
