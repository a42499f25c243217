"""Writes VOTables."""
