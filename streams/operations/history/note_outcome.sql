-- An outcome; the newest counts, but a commit is never followed by anything that is true.
INSERT INTO told (
    command_id, outcome, happened_at, identity, transaction_id, error_code, error, attempts,
    outcome_topic, outcome_partition, outcome_offset
)
VALUES (
    :command_id, :outcome, :happened_at, :identity, :transaction_id, :error_code, :error, :attempts,
    :topic, :partition, :offset
)
ON CONFLICT (command_id) DO UPDATE
SET attempts          = max(told.attempts, excluded.attempts),
    identity          = coalesce(excluded.identity, told.identity),
    outcome           = CASE WHEN told.outcome IS 'committed' THEN told.outcome ELSE excluded.outcome END,
    happened_at       = CASE WHEN told.outcome IS 'committed' THEN told.happened_at ELSE excluded.happened_at END,
    transaction_id    = CASE WHEN told.outcome IS 'committed' THEN told.transaction_id
                             ELSE coalesce(excluded.transaction_id, told.transaction_id) END,
    error_code        = CASE WHEN told.outcome IS 'committed' THEN told.error_code ELSE excluded.error_code END,
    error             = CASE WHEN told.outcome IS 'committed' THEN told.error ELSE excluded.error END,
    outcome_topic     = CASE WHEN told.outcome IS 'committed' THEN told.outcome_topic ELSE excluded.outcome_topic END,
    outcome_partition = CASE WHEN told.outcome IS 'committed' THEN told.outcome_partition
                             ELSE excluded.outcome_partition END,
    outcome_offset    = CASE WHEN told.outcome IS 'committed' THEN told.outcome_offset ELSE excluded.outcome_offset END
