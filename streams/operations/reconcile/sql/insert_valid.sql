INSERT INTO valid VALUES (?, ?)
