-- What is known of all commands.
SELECT
    command_id, outcome, happened_at, identity, transaction_id, error_code, error, attempts, letter,
    outcome_topic, outcome_partition, outcome_offset, letter_topic, letter_partition, letter_offset
FROM told
ORDER BY command_id
