"""A connection to a fresh catalogue."""

from collections.abc import Iterator

import psycopg
import pytest

from catalog.database.connection import connect


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    """An autocommit connection to a fresh database with the schema."""
    with connect(database, autocommit=True) as opened:
        yield opened
