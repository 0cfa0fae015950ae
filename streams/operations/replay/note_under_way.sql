INSERT OR IGNORE INTO under_way VALUES (:command_id)
