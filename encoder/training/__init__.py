"""A network trained on every source at once."""
