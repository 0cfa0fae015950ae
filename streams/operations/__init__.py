"""What operators and developers do: send a command, trace it, see the line's status, check every dependency."""
