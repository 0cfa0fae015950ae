"""Troubles of the database: each begins with the SQL file of its name."""
