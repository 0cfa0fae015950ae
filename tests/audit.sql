-- Every status that each row of the outbox has had, in the order in which the row got it; for databases of tests.
-- Run as the owner of the table with the profile's names for {table}, {id} and {status} (tests/audit.py does):
--
--   SELECT command_id, status, at FROM status_history ORDER BY number
--
-- The functions run as their owner, because whoever changes a row may write nothing but its status columns.

CREATE TABLE status_history (
    number     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    command_id text        NOT NULL,
    status     text        NOT NULL,
    at         timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION record_status() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO public.status_history (command_id, status) VALUES (NEW.{id}, NEW.{status});
    RETURN NULL;
END
$$;

CREATE TRIGGER record_first_status AFTER INSERT ON {table}
FOR EACH ROW EXECUTE FUNCTION record_status();

CREATE TRIGGER record_status AFTER UPDATE ON {table}
FOR EACH ROW WHEN (OLD.{status} IS DISTINCT FROM NEW.{status}) EXECUTE FUNCTION record_status();
