-- A later record takes the place of an earlier one, unless that is of a higher revision.
INSERT INTO newest (command_id, revision, topic, partition, position)
VALUES (:command_id, :revision, :topic, :partition, :position)
ON CONFLICT (command_id) DO UPDATE
SET revision  = excluded.revision,
    topic     = excluded.topic,
    partition = excluded.partition,
    position  = excluded.position
WHERE excluded.revision >= newest.revision
