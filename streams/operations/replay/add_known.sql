INSERT OR IGNORE INTO known VALUES (:command_id)
