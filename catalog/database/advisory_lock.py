"""Locks of Postgres that stand for a piece of work: whoever waits for one names the holder, and gives up.

Any login may take any such lock. Who may not write has no work to do under it, so it is waited for briefly;
who may write is waited for as long as it does something.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import LiteralString

import psycopg

from catalog.errors import LockHeldError

MAX_WAIT_S = 60.0
"""How long a holder is waited for that may not write."""
MAX_IDLE_S = 3_600.0
"""How long a holder may do nothing that may write: no tile takes so long."""
LOOK_S = 5.0
"""Who holds a lock is looked at so often while it is waited for."""
_KEY = "SELECT pg_catalog.hashtextextended(%s, 0)"
_HOLDER = """
    SELECT a.usename, a.pid,
        EXISTS (SELECT FROM pg_catalog.pg_roles AS r
            WHERE r.rolname = 'galcat_writer' AND pg_catalog.pg_has_role(a.usesysid, r.oid, 'MEMBER')),
        CASE WHEN a.state LIKE 'idle%%' OR a.state IS NULL
            THEN extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8 ELSE 0 END
    FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND a.datname = pg_catalog.current_database()
        AND (l.classid::bigint << 32 | l.objid::bigint) = %s AND a.pid <> pg_catalog.pg_backend_pid()
    ORDER BY 3, 4 DESC LIMIT 1
"""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Holder:
    """The session that holds a lock.

    Attributes:
        login: Name of its login.
        pid: Number of its process of Postgres.
        may_write: Whether the login may act as `galcat_writer`, so that its work may need the lock.
        idle_s: Seconds since its last statement ended; None where Postgres does not show that to us.
    """

    login: str
    pid: int
    may_write: bool
    idle_s: float | None

    def __str__(self) -> str:
        """Name it, for a person to read."""
        return f"{self.login} (process {self.pid} of Postgres)"

    @property
    def remedy(self) -> str:
        """How to end it, as half a sentence."""
        return f"let it end, or end it by SELECT pg_terminate_backend({self.pid})"


def find_holder(connection: psycopg.Connection, key: str | int) -> Holder | None:
    """Find another session of this database that holds a lock; one that may not write before others.

    Args:
        connection: Open connection; only read from.
        key: What the lock is called, or its number.
    """
    number = key if isinstance(key, int) else (connection.execute(_KEY, [key]).fetchone() or (0,))[0]
    row = connection.execute(_HOLDER.encode(), [number]).fetchone()
    return None if row is None else Holder(*row)


@contextmanager
def holding(
    connection: psycopg.Connection, key: str, subject: str, *, is_shared: bool = False
) -> Iterator[None]:
    """Hold a lock for this session; where another has it, say so and wait while that one works.

    Args:
        connection: Open connection in autocommit mode; when it ends, so does the lock.
        key: What the lock is called.
        subject: What it stands for, as the subject of a sentence.
        is_shared: Whether others may hold it at the same time, if they share it too.

    Raises:
        LockHeldError: Its holder will not let it go; nothing was changed.
    """
    shared: LiteralString = "_shared" if is_shared else ""
    attempt = f"SELECT pg_catalog.pg_try_advisory_lock{shared}(pg_catalog.hashtextextended(%s, 0))"
    if connection.execute(attempt.encode(), [key]).fetchone() != (True,):
        _log.warning("%s is held by %s: this run waits", subject, find_holder(connection, key) or "somebody")
        _wait(connection, key, subject, shared)
    try:
        yield
    finally:
        with suppress(psycopg.OperationalError):  # a session that was lost holds nothing any more
            release = f"SELECT pg_catalog.pg_advisory_unlock{shared}(pg_catalog.hashtextextended(%s, 0))"
            connection.execute(release.encode(), [key])


def refuse_idle_holder(connection: psycopg.Connection, key: str, subject: str, waited_s: float) -> None:
    """Give up where the holder of a lock has no work to do under it, or has stopped working.

    Args:
        connection: Open connection; only read from.
        key: What the lock is called.
        subject: What it stands for, as the subject of a sentence.
        waited_s: How long it was waited for.

    Raises:
        LockHeldError: Its holder will not let it go.
    """
    holder = find_holder(connection, key)
    if holder is None:
        return
    if not holder.may_write and waited_s >= MAX_WAIT_S:
        why = "which may not write"
    elif holder.may_write and waited_s >= MAX_IDLE_S and (holder.idle_s or waited_s) >= MAX_IDLE_S:
        why = f"which has done nothing for {MAX_IDLE_S / 60:.0f} minutes"
    else:
        return
    raise LockHeldError(f"{subject} is held by {holder}, {why}: {holder.remedy}, then try again")


def _wait(connection: psycopg.Connection, key: str, subject: str, shared: LiteralString) -> None:
    began = time.monotonic()
    take = f"SELECT pg_catalog.pg_advisory_lock{shared}(pg_catalog.hashtextextended(%s, 0))"
    while True:
        try:
            with connection.transaction():  # the lock outlives it, the setting does not
                connection.execute(f"SET LOCAL lock_timeout = {int(LOOK_S * 1000)}".encode())
                connection.execute(take.encode(), [key])
        except psycopg.errors.LockNotAvailable:
            refuse_idle_holder(connection, key, subject, time.monotonic() - began)
        else:
            return
