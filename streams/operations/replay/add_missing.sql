INSERT INTO missing (command_id) VALUES (:command_id)
