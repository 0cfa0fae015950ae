-- A migration that keeps everybody from writing.
LOCK TABLE outbox_commands IN SHARE MODE
