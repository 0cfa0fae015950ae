-- What is known of some commands; :command_ids stands for their list of placeholders.
SELECT
    command_id, outcome, happened_at, identity, transaction_id, error_code, error, attempts, letter,
    outcome_topic, outcome_partition, outcome_offset, letter_topic, letter_partition, letter_offset
FROM told
WHERE command_id IN (:command_ids)
