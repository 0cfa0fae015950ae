SELECT command_id, source, word, at_ms, changed_at_ms, transaction_id, number, note, payload_sha256, topic,
       "partition", "offset", is_done
FROM fact
ORDER BY command_id, source, at_ms
