-- Refuse every update of the row {command_id} with the SQLSTATE {state}. Run as the owner of the table.

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'refused by a test' USING ERRCODE = {state};
END
$$;

CREATE TRIGGER refuse BEFORE UPDATE ON {table}
FOR EACH ROW WHEN (OLD.{id} = {command_id}) EXECUTE FUNCTION refuse();
