INSERT INTO possible VALUES (?, ?, ?, ?)
