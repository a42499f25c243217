"""The way of a query from its parameters to the bytes of its answer."""
