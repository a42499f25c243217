"""What is wrong with a table that came with a query."""

from catalog.errors import QueryError


class UploadError(QueryError):
    """A table that came with a query cannot be used."""
