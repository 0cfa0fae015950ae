-- The routed command stands for the change event that it was made of.
UPDATE record
SET topic = :topic, partition = :partition, position = :position, value = :value, problem = NULL
WHERE n = (SELECT max(n) FROM record WHERE command_id = :command_id)
