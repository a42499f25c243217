"""The service's connections to Postgres, what it publishes, and what Postgres' errors mean."""
