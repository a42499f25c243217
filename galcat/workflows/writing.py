"""The connection that workflows write through."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from catalog.database.connection import connect


@contextmanager
def writing(url: str) -> Iterator[psycopg.Connection]:
    """Open a connection that acts as the writer; every transaction commits by itself."""
    with connect(url, autocommit=True) as connection:
        connection.execute("SET ROLE galcat_writer")
        yield connection
