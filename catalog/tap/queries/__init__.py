"""Queries run in Postgres, as strangers and within limits."""
