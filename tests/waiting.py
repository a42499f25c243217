"""How tests wait: for an event, however busy the machine is. A last limit only ends a test that hangs."""

import time
from collections.abc import Callable
from typing import LiteralString

import psycopg

from catalog.database.connection import connect

LAST_LIMIT_S = 600.0
"""Seconds: far more than anything takes on a machine that works on several things at once."""
_LOOK_S = 0.02

_OTHERS_AT_WORK: LiteralString = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()"
)
_OTHERS_AT_A_LOCK: LiteralString = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def wait_until(is_so: Callable[[], bool], event: str = "it", why_not: Callable[[], str] = str) -> None:
    """Look again and again until something is so.

    Args:
        is_so: Whether it is; what it raises ends the wait.
        event: What the failure's message calls it, such as `the end of the run`.
        why_not: Says more in that message: the output of a process, say.
    """
    until = time.monotonic() + LAST_LIMIT_S
    while not is_so():
        if time.monotonic() > until:
            raise AssertionError(f"{event} did not happen in {LAST_LIMIT_S:.0f} s\n{why_not()}")
        time.sleep(_LOOK_S)


def wait_until_alone(url: str) -> None:
    """Wait until no other session of a database is at work: that of a killed client has rolled back."""
    with connect(url, autocommit=True) as connection:
        wait_until(lambda: not _count(connection, _OTHERS_AT_WORK), "the end of every other session's work")


def wait_until_at_a_lock(url: str, n: int = 1) -> None:
    """Wait until n sessions of a database wait for a lock."""
    with connect(url, autocommit=True) as connection:
        wait_until(lambda: sessions_at_a_lock(connection) == n, f"the waiting of {n} sessions for a lock")


def sessions_at_a_lock(connection: psycopg.Connection) -> int:
    """How many sessions of a database wait for a lock."""
    return _count(connection, _OTHERS_AT_A_LOCK)


def _count(connection: psycopg.Connection, query: LiteralString) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
