-- In the order in which their routed commands lie in the topics, those without one first.
SELECT kind, command_id, transaction_id, status, changed_at_ms, seen, attempts, topic, "partition", "offset",
       told_at
FROM suspicion
ORDER BY topic, "partition", "offset", command_id
