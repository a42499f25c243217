"""Loads that are large beside what is there: without the vector index, which is built once at their end.

A load that adds n vectors to N takes n / WITH_INDEX seconds where each goes into the index, and n / WITHOUT
+ (N + n) / BUILT where the index is built afterwards.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg

from catalog.database.advisory_lock import holding, refuse_idle_holder
from catalog.database.owner import retry_as_owner
from catalog.database.requirements import require_supported

WITH_INDEX, WITHOUT, BUILT = 413, 3_731, 3_600
"""Rows a second of one stream on 2 cores, at a million galaxies: docs/operators.md."""
MIN_LOAD = 10_000
"""Galaxies from which on it matters: 24 s."""
MAX_SORTED = 2_000_000
"""Galaxies beyond which searches without the index take a fifth of a second: for people to decide."""
_LOAD = "galcat/load"
_LOOK_S = 0.2

_ESTIMATE = """
    SELECT coalesce(avg(i.n_galaxies), 0)::float8, coalesce(sum(i.n_galaxies), 0)::bigint
    FROM galcat.ingestion AS i WHERE i.release_id = galcat.current_release() AND i.state = 'done'
"""
_INDEXED = "SELECT galcat.current_release(), galcat.has_search_index(galcat.current_release())"


def is_bulk(n_new: float, n_there: int) -> bool:
    """Whether a load is faster by building the index anew, by enough to leave searches without it meanwhile.

    Args:
        n_new: Galaxies that are to come.
        n_there: Galaxies that are there.
    """
    if n_new < MIN_LOAD or n_there > MAX_SORTED:
        return False
    return n_new / WITH_INDEX > n_new / WITHOUT + (n_there + n_new) / BUILT


def set_index_aside(connection: psycopg.Connection, n_tiles: int, *, is_declared: bool | None) -> bool:
    """Take the vector index of the current release away where a load is large, or is said to be.

    Searches are exact meanwhile: they compare all. Whatever ends the load, the index is seen to be missing,
    and the next run that adds tiles, or the night, builds it.

    Args:
        connection: Open connection of a login that may act as the owner, in autocommit mode.
        n_tiles: Tiles that are to come; they are taken to have as many galaxies as those that are there.
        is_declared: Whether the load is said to be large; None to judge by the number of galaxies.

    Returns:
        Whether the index was taken away now.

    Raises:
        CatalogError: Readers held the index for too long; nothing was changed.
    """
    row = connection.execute(_INDEXED).fetchone()
    if row is None or not row[1] or is_declared is False:
        return False
    mean, there = connection.execute(_ESTIMATE).fetchone() or (0, 0)
    if is_declared is None and not is_bulk(n_tiles * mean, there):
        return False
    retry_as_owner(connection, lambda: connection.execute("SELECT galcat.drop_search_index(%s)", [row[0]]))
    return True


def loading(connection: psycopg.Connection) -> AbstractContextManager[None]:
    """Let others know that tiles are being added: meanwhile nobody builds the vector index.

    Args:
        connection: Open connection in autocommit mode; when it ends, so does the load.

    Raises:
        LockHeldError: Somebody who may not write keeps all others from adding tiles.
    """
    return holding(connection, _LOAD, "the right to add tiles", is_shared=True)


def others_load(connection: psycopg.Connection) -> bool:
    """Whether another session is adding tiles."""
    with _try_lock(connection, _LOAD) as got:
        return not got


def build_search_index_online(connection: psycopg.Connection, release_id: int) -> bool:
    """Build the vector index of a release while tiles are written and searches answered.

    Cut off in its middle it leaves an index that nobody asks; the next call takes that away and builds anew.

    Args:
        connection: Open connection of a login that may act as the owner, in autocommit mode.
        release_id: Number of the release.

    Returns:
        True when it was built, False when it was there, or another session has built it meanwhile.

    Raises:
        LockHeldError: Somebody who may not write holds the right to build it.
        ServerError: The database's pgvector can overrun its memory while it builds an index.
    """
    require_supported(connection)
    key, began = f"galcat/index/{release_id}", time.monotonic()
    while True:
        # Who waits inside a statement would be waited for by who builds: so it is asked again and again.
        with _try_lock(connection, key) as got:
            if got:
                return _build(connection, release_id)
        subject = f"the right to build the vector index of release {release_id}"
        refuse_idle_holder(connection, key, subject, time.monotonic() - began)
        time.sleep(_LOOK_S)


def _build(connection: psycopg.Connection, release_id: int) -> bool:
    role = connection.execute("SELECT current_setting('role')").fetchone()
    connection.execute("SET ROLE galcat_owner")
    try:
        connection.execute("SELECT galcat.build_cut_indexes(%s::smallint)", [release_id])
        has_index = connection.execute(
            "SELECT galcat.has_search_index(%s::smallint)", [release_id]
        ).fetchone()
        if has_index == (True,):
            return False
        steps = connection.execute(
            "SELECT statement FROM galcat.search_index_statements(%s::smallint, 'CONCURRENTLY')", [release_id]
        ).fetchall()
        for (statement,) in steps:
            connection.execute(str(statement).encode())
        return True
    finally:
        if not connection.closed:
            connection.execute("SELECT set_config('role', %s, false)", role)


@contextmanager
def _try_lock(connection: psycopg.Connection, key: str) -> Iterator[bool]:
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key]).fetchone()
    got = row == (True,)
    try:
        yield got
    finally:
        if got and not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
