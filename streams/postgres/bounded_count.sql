-- Rows of each status, none left out, by the index on status: open ones up to one limit, final ones up to another.
-- Beyond the limit, what the planner's statistics say, if that is more.
WITH limits AS (
    SELECT
        label,
        CASE WHEN label::text IN ('COMMITTED', 'FAILED') THEN %(final_limit)s::bigint ELSE %(open_limit)s::bigint END
            AS most
    FROM unnest(enum_range(NULL::{status_type})) AS label
),
counted AS (
    SELECT
        label::text AS status,
        most,
        (
            SELECT count(*)
            FROM (SELECT FROM {table} AS outbox WHERE outbox.{status} = label LIMIT most) AS found
        ) AS found
    FROM limits
),
estimated AS (
    SELECT value AS status, (frequency * greatest(pg_class.reltuples, 0))::bigint AS found
    FROM pg_stats
    CROSS JOIN LATERAL unnest(most_common_vals::text::text[], most_common_freqs) AS common (value, frequency)
    JOIN pg_class ON pg_class.oid = %(table_name)s::regclass
    WHERE schemaname = %(schema_name)s AND tablename = %(plain_name)s AND attname = %(status_name)s
)
SELECT
    counted.status,
    CASE WHEN counted.found < counted.most THEN counted.found ELSE greatest(counted.found, estimated.found) END
FROM counted
LEFT JOIN estimated USING (status)
