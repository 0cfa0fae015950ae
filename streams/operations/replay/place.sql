SELECT place FROM placed WHERE command_id = :command_id
