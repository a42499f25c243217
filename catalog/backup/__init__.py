"""A catalogue's whole content in one file, and back from it."""
