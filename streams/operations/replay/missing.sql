SELECT command_id FROM missing ORDER BY n LIMIT :most
