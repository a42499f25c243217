"""What the examples need: an open, empty catalogue."""

from tests.catalog.conftest import connection

__all__ = ["connection"]
