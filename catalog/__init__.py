"""What is stored and how it is asked for: the catalogue in Postgres."""
