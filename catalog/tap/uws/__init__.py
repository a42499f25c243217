"""Queries that outlive their connection (UWS 1.1)."""
