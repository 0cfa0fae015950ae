SELECT 1 FROM known WHERE command_id = :command_id
