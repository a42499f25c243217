"""The last blocks of a network trained for one question."""
