"""Queries in Postgres, run with a reader's rights and within limits."""
