"""The connection to Postgres and the schema in it."""
