INSERT INTO record (command_id, command_type, tenant_id, topic, partition, position, value, problem)
VALUES (:command_id, :command_type, :tenant_id, :topic, :partition, :position, :value, :problem)
