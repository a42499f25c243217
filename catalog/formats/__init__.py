"""Rows as bytes in the formats of the Virtual Observatory, a chunk at a time."""
