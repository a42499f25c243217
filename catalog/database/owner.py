"""Act as the owner of the catalogue's tables, who alone may change them: for one transaction."""

from collections.abc import Callable
from typing import TypeVar

import psycopg

from catalog.database.lock_retry import LOCK_TIMEOUT_MS, retry_on_lock

_Answer = TypeVar("_Answer")


def act_as_owner(connection: psycopg.Connection) -> None:
    """Take the owner's role until the transaction ends.

    Args:
        connection: Open connection of a login that may take it, inside a transaction.
    """
    connection.execute("SET LOCAL ROLE galcat_owner")


def retry_as_owner(connection: psycopg.Connection, act: Callable[[], _Answer]) -> _Answer:
    """Act as the owner in one transaction; where others hold its tables, give way and try again.

    Args:
        connection: Open connection of a login that may take the owner's role.
        act: What is done inside the transaction; it may be called several times.

    Returns:
        What it returned when it came through.

    Raises:
        CatalogError: The others held the tables for too long; nothing was changed.
    """

    def transaction() -> _Answer:
        with connection.transaction():
            act_as_owner(connection)
            connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            return act()

    return retry_on_lock(transaction)
