"""Connections to Postgres: readers, as which clients' queries run, and writers of jobs, uploads and logs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import ConnectionPool

from catalog.database.connection import connect, parse_url
from catalog.tap.database.reader_check import require_harmless, take_reader_role
from catalog.tap.limits import ServiceLimits

_WRITERS = 8
_SPARE_READERS = 3
"""Beside those of queries and jobs: for documents, cones and pictures."""
_PATIENCE_S = 5.0
_SETTINGS = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL search_path = ''; "
    "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL timezone = 'UTC'"
)


class Connections:
    """Open connections to the catalogue's database.

    Args:
        reader_url: The URL of a login that is, or is a member of, galcat_public and of no other role.
        writer_url: The URL of the login that owns or writes the catalogue.
        limits: How many queries and jobs run at once, which says how many connections are needed.
    """

    def __init__(self, reader_url: str, writer_url: str, limits: ServiceLimits) -> None:
        self._reader_url = reader_url
        self._writer_url = writer_url
        max_size = limits.queries_at_once + limits.jobs_at_once + _SPARE_READERS
        self._readers = _make_pool(reader_url, take_reader_role, max_size, "readers")
        self._writers = _make_pool(writer_url, _take_writer_role, _WRITERS, "writers")

    def open(self) -> None:
        """Connect, and check that the reader's login can do nothing but read what is published.

        Raises:
            ServerError: One line that says why not, or what the reader's login could do that it should not.
        """
        with connect(self._reader_url, autocommit=True) as reader:
            take_reader_role(reader)
            require_harmless(reader)
        with connect(self._writer_url, autocommit=True) as writer:
            writer.execute("SET ROLE galcat_writer")
        for pool in (self._readers, self._writers):
            pool.open()

    def close(self) -> None:
        """Close all connections; those in use when they are given back."""
        for pool in (self._readers, self._writers):
            pool.close()

    @contextmanager
    def reader(self) -> Iterator[psycopg.Connection]:
        """A connection in autocommit mode that may only read what is published."""
        with self._readers.connection() as connection:
            yield connection

    @contextmanager
    def writer(self) -> Iterator[psycopg.Connection]:
        """A connection in autocommit mode with the role galcat_writer."""
        with self._writers.connection() as connection:
            yield connection

    def open_writer(self) -> psycopg.Connection:
        """Open a writer of the caller's own, for what a session holds as long as it lives."""
        connection = connect(self._writer_url, autocommit=True)
        _take_writer_role(connection)
        return connection


@contextmanager
def read_snapshot(connection: psycopg.Connection, seconds: float) -> Iterator[None]:
    """Hold a read-only transaction that sees one moment; no statement in it takes longer than `seconds`."""
    with connection.transaction(force_rollback=True):
        milliseconds = max(1, int(1000 * seconds))
        connection.execute(f"{_SETTINGS}; SET LOCAL statement_timeout = {milliseconds:d}".encode())
        yield


def _make_pool(
    url: str, configure: Callable[[psycopg.Connection], None], max_size: int, name: str
) -> ConnectionPool:
    return ConnectionPool(
        parse_url(url),
        kwargs={"autocommit": True},
        min_size=2,
        max_size=max_size,
        open=False,
        configure=configure,
        check=ConnectionPool.check_connection,  # the server may have been started again
        timeout=_PATIENCE_S,
        reconnect_timeout=_PATIENCE_S,  # then the next client's query tries again, at once
        name=name,
    )


def _take_writer_role(connection: psycopg.Connection) -> None:
    connection.execute("SET ROLE galcat_writer")
