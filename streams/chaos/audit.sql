-- Writes down every insert of a row and every update of one, whoever makes it. For test databases.

CREATE SCHEMA audit;

-- numbered in the order of the writes; inserts come from one connection, so theirs is the order of the commits, too.
CREATE TABLE audit.status_changes (
    number         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    command_id     text        NOT NULL,
    status_before  text,
    status_after   text        NOT NULL,
    transaction_id text,
    error          text,
    written_by     text        NOT NULL DEFAULT session_user,
    changed_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX ON audit.status_changes (command_id);

-- With the rights of the owner: the sink may write the outbox and nothing else.
CREATE FUNCTION audit.note_status() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit.status_changes (command_id, status_before, status_after, transaction_id, error)
    VALUES (
        NEW.id,
        CASE TG_OP WHEN 'UPDATE' THEN OLD.status::text END,
        NEW.status::text,
        NEW.fabric_tx_id,
        NEW.error
    );
    RETURN NULL;
END
$$;

CREATE TRIGGER note_status AFTER INSERT OR UPDATE ON outbox_commands
FOR EACH ROW EXECUTE FUNCTION audit.note_status();
