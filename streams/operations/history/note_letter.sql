-- A dead letter; the newest counts.
INSERT INTO told (command_id, letter, attempts, letter_topic, letter_partition, letter_offset)
VALUES (:command_id, :letter, :attempts, :topic, :partition, :offset)
ON CONFLICT (command_id) DO UPDATE
SET letter           = excluded.letter,
    attempts         = max(told.attempts, excluded.attempts),
    letter_topic     = excluded.letter_topic,
    letter_partition = excluded.letter_partition,
    letter_offset    = excluded.letter_offset
