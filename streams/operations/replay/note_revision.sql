-- A record that was delivered once more: it is newer only if it is of a higher revision.
UPDATE newest
SET revision = :revision, topic = :topic, partition = :partition, position = :position
WHERE command_id = :command_id AND revision < :revision
