"""A query from its text to the bytes of its answer."""
