"""Copies of the catalogue in other forms, for those who work without its database."""
