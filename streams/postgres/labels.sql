-- The command types that the table's enum allows.
SELECT label::text
FROM unnest(enum_range(NULL::{command_type_type})) AS label
