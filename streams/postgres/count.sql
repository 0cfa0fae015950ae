-- Rows by status.
SELECT {status}::text, count(*)
FROM {table}
GROUP BY 1
ORDER BY 1
