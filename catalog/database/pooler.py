"""A pooler before Postgres, such as PgBouncer: one that changes servers between transactions is refused."""

import threading

import psycopg

from catalog.errors import ServerError

_TRIES = 5
_PID = "SELECT pg_catalog.pg_backend_pid()"
_sound: set[str] = set()
_looking = threading.Lock()


def require_session(connection: psycopg.Connection, conninfo: str) -> None:
    """Refuse a pooler that gives each transaction another server; without a pooler nothing is asked twice.

    galcat takes roles, prepares statements and holds advisory locks for as long as a session lasts. Where
    sessions share servers, one would act in another's role.

    Args:
        connection: A new connection in autocommit mode.
        conninfo: What it was opened by: a second one is opened where there is a pooler, once a process.

    Raises:
        ServerError: The pooler is in transaction or statement mode.
    """
    if find_backend(connection) == connection.info.backend_pid:
        return  # a pooler makes up the number that a client gets when it connects
    with _looking:
        if conninfo in _sound:
            return
        if _shares_servers(connection, conninfo):
            raise ServerError(
                f"the pooler at {connection.info.host} gives every transaction another session of Postgres: "
                f"set pool_mode = session for the database {connection.info.dbname}, or name Postgres itself"
            )
        _sound.add(conninfo)


def find_backend(connection: psycopg.Connection) -> int:
    """Ask which process of Postgres serves a session; behind a pooler `backend_pid` is a made-up number."""
    row = connection.execute(_PID, prepare=False).fetchone()
    assert row is not None  # noqa: S101 - a function gives a row
    return int(row[0])


def _shares_servers(connection: psycopg.Connection, conninfo: str) -> bool:
    """Whether two sessions that are open at once met the same server, or one of them met two."""
    first = find_backend(connection)
    try:
        with psycopg.connect(conninfo, autocommit=True) as other:
            for _ in range(_TRIES):
                with other.transaction():  # which holds a server
                    if find_backend(other) == first or find_backend(connection) != first:
                        return True
    except psycopg.Error as error:
        if "statement pooling" in str(error):  # which refuses a transaction of several statements
            return True
        raise
    return False
