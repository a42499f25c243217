"""SELECT and its parts: FROM, GROUP BY, ORDER BY, TOP; set operations and WITH."""
