"""The sky in tables: which columns are coordinates, and in which frame."""
