-- Which of these transaction ids a row shows.
SELECT {fabric_tx_id}
FROM {table}
WHERE {fabric_tx_id} = ANY (%(transaction_ids)s::text[])
