"""Dead letters: read, grouped by cause, and dealt with. What is done about one is always planned first, then shown."""
