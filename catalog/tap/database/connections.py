"""Connections to Postgres: readers, as which clients' queries run, and writers of jobs, uploads and logs."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import psycopg
from psycopg_pool import ConnectionPool

from catalog.database.connection import connect, parse_url
from catalog.database.pooler import find_backend
from catalog.errors import ServerError
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.tap.database.outage import Outage
from catalog.tap.database.reader_check import require_harmless, take_reader_role
from catalog.tap.errors import BusyError
from catalog.tap.limits import ServiceLimits

_WRITERS = 8
_SPARE_READERS = 3
"""Beside those of queries and jobs: for documents, cones and pictures."""
_PATIENCE_S = 5.0
MAX_ABANDONED = 4
_log = logging.getLogger(__name__)
_LEAVE_WITH_CLIENT = "SET client_connection_check_interval = '5s'"
"""What a service that was killed has asked ends; it would go on for its whole time, and be asked again."""
_SETTINGS = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL search_path = ''; "
    "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL timezone = 'UTC'"
)


@dataclass
class Abandoned:
    """Backends of Postgres that listen neither to a cancellation nor to their end, by process number."""

    pids: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Connections:
    """Open connections to the catalogue's database.

    Attributes:
        outage: Whether the database is away, said in one line by whoever finds out.
        memory: The galaxies in memory, for searches; None where none are to be held.

    Args:
        reader_url: The URL of a login that is, or is a member of, galcat_public and of no other role.
        writer_url: The URL of the login that owns or writes the catalogue.
        limits: How many queries and jobs run at once, which says how many connections are needed.
        is_read_only: Whether nothing is ever written, as on a hot standby.
        memory: The galaxies in memory, which begin to be read when the connections are opened.
    """

    def __init__(
        self,
        reader_url: str,
        writer_url: str,
        limits: ServiceLimits,
        *,
        is_read_only: bool = False,
        memory: GalaxyMemory | None = None,
    ) -> None:
        self.memory = memory
        self.is_read_only = is_read_only
        self._reader_url = reader_url
        self._writer_url = writer_url
        max_size = limits.queries_at_once + limits.jobs_at_once + _SPARE_READERS
        self._readers = _make_pool(reader_url, self._take_reader_role, max_size, "readers")
        self._take_writer_role = _take_role_to_look if is_read_only else _take_writer_role
        self._writers = _make_pool(writer_url, self._take_writer_role, _WRITERS, "writers")
        self._backends: WeakKeyDictionary[psycopg.Connection, int] = WeakKeyDictionary()
        self._abandoned = Abandoned()
        self.outage = Outage()

    def open(self) -> None:
        """Connect, and check that the reader's login can do nothing but read what is published.

        Raises:
            ServerError: One line that says why not, or what the reader's login could do that it should not.
        """
        with connect(self._reader_url, autocommit=True) as reader:
            take_reader_role(reader)
            require_harmless(reader)
        with connect(self._writer_url, autocommit=True) as writer:
            self._take_writer_role(writer)
            if not self.is_read_only and writer.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
                raise ServerError("the database is a standby: serve it by galcat serve --read-only")
        for pool in (self._readers, self._writers):
            pool.open()
        if self.memory is not None:
            self.memory.start()

    def close(self) -> None:
        """Close all connections; those in use when they are given back."""
        if self.memory is not None:
            self.memory.close()
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

    @property
    def abandoned(self) -> int:
        """How many backends were left to themselves because they do not end."""
        return len(self._abandoned.pids)

    def require_backends(self) -> None:
        """Refuse a query while too many backends do not end: each goes on taking a processor, or its memory.

        Raises:
            BusyError: They are too many.
        """
        if self.abandoned >= MAX_ABANDONED:
            raise BusyError(
                f"{self.abandoned} queries do not end although they were stopped: try again later"
            )

    def terminate(self, connection: psycopg.Connection) -> None:
        """End a reader's session, whatever it does; one that is not its own the reader may not end."""
        with connect(self._reader_url, autocommit=True) as reader:
            reader.execute("SELECT pg_catalog.pg_terminate_backend(%s)", [self._backends[connection]])

    def abandon(self, connection: psycopg.Connection) -> None:
        """Leave a reader's session to itself: whoever waits for it gets an error at once.

        Its process counts against `require_backends` until `forget_ended` finds that it is gone.
        """
        pid = self._backends[connection]
        with self._abandoned.lock:
            if pid in self._abandoned.pids:
                return
            self._abandoned.pids.add(pid)
        _log.error(
            "process %d of Postgres does not end, although its query was cancelled and its session "
            "terminated; its client was answered. A restart of Postgres ends it",
            pid,
        )
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as channel:
            channel.shutdown(socket.SHUT_RDWR)

    def forget_ended(self) -> None:
        """Find which of the abandoned backends have ended."""
        with self._abandoned.lock:
            pids = list(self._abandoned.pids)
        if not pids:
            return
        with self.writer() as writer:
            rows = writer.execute(
                "SELECT pid FROM pg_catalog.pg_stat_activity WHERE pid = ANY (%s)", [pids]
            ).fetchall()
        with self._abandoned.lock:
            self._abandoned.pids -= set(pids) - {int(row[0]) for row in rows}

    def pool_sizes(self) -> dict[str, dict[str, int]]:
        """What the pools of readers and writers say of themselves."""
        return {"readers": self._readers.get_stats(), "writers": self._writers.get_stats()}

    def _take_reader_role(self, connection: psycopg.Connection) -> None:
        take_reader_role(connection)
        with suppress(psycopg.errors.InvalidParameterValue):  # some systems cannot tell
            connection.execute(_LEAVE_WITH_CLIENT)
        self._backends[connection] = find_backend(connection)

    def open_writer(self) -> psycopg.Connection:
        """Open a writer of the caller's own, for what a session holds as long as it lives."""
        connection = connect(self._writer_url, autocommit=True)
        self._take_writer_role(connection)
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


def _take_role_to_look(connection: psycopg.Connection) -> None:
    connection.execute("SET default_transaction_read_only = on; SET ROLE galcat_writer")
