-- What the sink may do: read rows, and write the columns that show what became of a command.
-- Placeholders are identifiers; the table's is qualified.

GRANT USAGE ON SCHEMA {schema} TO {sink};
GRANT SELECT ON {table} TO {sink};
GRANT UPDATE (
    {status}, {attempts}, {locked_by}, {locked_at}, {submitted_at}, {fabric_tx_id}, {commit_block},
    {error_code}, {error}, {updated_at}
) ON {table} TO {sink};
