"""The log of queries, which a thread of its own writes so that no client waits for it."""

import logging
import queue
import threading
from dataclasses import astuple, dataclass, replace
from datetime import datetime

import psycopg

from catalog.tap.database.connections import Connections
from catalog.tap.database.postgres_errors import make_storable

_log = logging.getLogger(__name__)

_INSERT = """
    INSERT INTO galcat_tap.query_log (asked_at, ended_at, address, interface, language, query, phase, rows,
        seconds, error, job_id, user_agent)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_FORGET = """
    DELETE FROM galcat_tap.query_log
    WHERE asked_at < pg_catalog.clock_timestamp() - pg_catalog.make_interval(days => %s)
"""
# The file itself does not shrink: where it is large, the bytes of the rows decide.
_SHRINK = """
    WITH size AS (
        SELECT sum(pg_catalog.pg_column_size(l.*)) AS bytes, count(*) AS n FROM galcat_tap.query_log AS l
        WHERE pg_catalog.pg_total_relation_size('galcat_tap.query_log') > %(max_bytes)s)
    DELETE FROM galcat_tap.query_log WHERE query_id IN (
        SELECT o.query_id FROM galcat_tap.query_log AS o, size WHERE size.bytes > %(max_bytes)s
        ORDER BY o.query_id
        LIMIT (SELECT greatest(1, ceil(n * (1 - 0.9 * %(max_bytes)s / bytes)))::bigint FROM size))
"""
_MAX_CHARACTERS = 10_000
"""Of a text: of a query that is longer, its beginning tells enough."""
_MAX_WAITING = 10_000
_TOGETHER = 500


@dataclass(frozen=True)
class LoggedQuery:
    """A row of galcat_tap.query_log."""

    asked_at: datetime
    ended_at: datetime
    address: str
    interface: str
    language: str
    query: str
    phase: str
    rows: int
    seconds: float
    error: str | None
    job_id: str | None
    user_agent: str


class QueryLog:
    """Writes rows in a thread; a row that cannot be written goes to Python's log instead."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._rows: queue.Queue[LoggedQuery | None] = queue.Queue(_MAX_WAITING)
        self._thread = threading.Thread(target=self._work, name="query-log", daemon=True)

    def open(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._rows.put(None)
        self._thread.join()

    def add(self, row: LoggedQuery) -> None:
        """Write a row soon; long texts are cut."""
        row = _shorten(row)
        try:
            self._rows.put_nowait(row)
        except queue.Full:
            _log.error("the query log is full: a query of %s is not in it", row.address)

    def _work(self) -> None:
        while (row := self._rows.get()) is not None:
            rows = [row]
            is_over = False
            while len(rows) < _TOGETHER and not self._rows.empty():
                another = self._rows.get()
                if another is None:
                    is_over = True
                    break
                rows.append(another)
            self._write(rows)
            if is_over:
                return

    def _write(self, rows: list[LoggedQuery]) -> None:
        if self._connections.is_read_only:
            return
        try:
            with self._connections.writer() as writer, writer.transaction(), writer.cursor() as cursor:
                writer.execute("SET LOCAL synchronous_commit = off")
                cursor.executemany(_INSERT, [_make_values(row) for row in rows])
        except psycopg.Error as error:
            _log.error("%d queries are not in the query log: %s", len(rows), str(error).partition("\n")[0])


def forget_old_queries(writer: psycopg.Connection, days: int, max_bytes: int) -> None:
    """Remove rows of the log older than so many days, and where it is too large, the oldest tenth or more.

    Args:
        writer: A connection of a member of galcat_writer.
        days: How many days a row is kept.
        max_bytes: How large the log may be, in bytes; it may be larger by what comes in a minute.
    """
    writer.execute(_FORGET, [days])
    writer.execute(_SHRINK, {"max_bytes": max_bytes})


def _shorten(row: LoggedQuery) -> LoggedQuery:
    return replace(
        row,
        language=row.language[:_MAX_CHARACTERS],
        query=row.query[:_MAX_CHARACTERS],
        error=row.error and row.error[:_MAX_CHARACTERS],
    )


def _make_values(row: LoggedQuery) -> tuple[object, ...]:
    return tuple(make_storable(value) if isinstance(value, str) else value for value in astuple(row))
