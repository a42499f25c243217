"""Which Postgres and pgvector a catalogue needs: to be written, and at least to be read."""

import logging
import re
import threading

import psycopg

from catalog.errors import ServerError

MIN_POSTGRES = 15
MIN_PGVECTOR = (0, 8, 4)
"""From here on catalogues are made, vector indexes built and tiles ingested."""
MIN_PGVECTOR_TO_READ = (0, 8, 0)
"""From here on a catalogue that is there already can be read."""

# The release of pgvector that mended a fault, and the fault, from its list of changes.
_FAULTS = (
    (
        (0, 8, 2),
        "a parallel build of a vector index can overrun its memory, which leaks data or ends the server "
        "(CVE-2026-3172)",
    ),
    ((0, 8, 3), "VACUUM beside INSERT can corrupt a vector index"),
    ((0, 8, 4), "VACUUM of a vector index can fail"),
)
_VERSIONS = """
    SELECT (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'vector'),
           (SELECT default_version FROM pg_catalog.pg_available_extensions WHERE name = 'vector')
"""
_log = logging.getLogger(__name__)
_told: set[str] = set()
_telling = threading.Lock()


def require_supported(conn: psycopg.Connection) -> None:
    """Refuse a server on which no catalogue is made, filled or indexed: too old, or without a sound pgvector.

    Raises:
        ServerError: Names the host, what was found there, and what is needed.
    """
    _require(conn, MIN_PGVECTOR)


def require_readable(conn: psycopg.Connection) -> None:
    """Refuse a server on which not even a catalogue that is there already can be used.

    Raises:
        ServerError: Names the host, what was found there, and what is needed.
    """
    _require(conn, MIN_PGVECTOR_TO_READ)


def unsupported_reason(
    server_version: int,
    installed: str | None,
    available: str | None,
    min_pgvector: tuple[int, int, int] = MIN_PGVECTOR,
) -> str | None:
    """Why galcat cannot use a server; None when it can.

    Args:
        server_version: Version of Postgres as libpq gives it: 140002 is 14.2.
        installed: Version of pgvector in this database; None where it has none.
        available: Version that CREATE EXTENSION would install; None where the server has no pgvector.
        min_pgvector: The oldest version of pgvector that will do.

    Returns:
        A sentence with `{host}` to be filled in.
    """
    major, minor = divmod(server_version, 10_000)
    if major < MIN_POSTGRES:
        return f"PostgreSQL {major}.{minor} at {{host}} is too old: galcat needs {MIN_POSTGRES} or newer"
    needed = ".".join(map(str, min_pgvector))
    found = installed or available
    if found is None:
        return f"PostgreSQL {major}.{minor} at {{host}} has no pgvector: galcat needs {needed} or newer"
    if parse_version(found) >= min_pgvector:
        return None
    if installed and available and parse_version(available) >= min_pgvector:
        return (
            f"pgvector {installed} in the database at {{host}} is too old, galcat needs {needed} or newer: "
            f"{pgvector_update_steps(available)}"
        )
    return f"pgvector {found} at {{host}} is too old: galcat needs {needed} or newer"


def pgvector_fault(installed: str) -> str | None:
    """What a version of pgvector does wrong that matters to a catalogue; None where nothing is known."""
    version = parse_version(installed)
    faults = [fault for mended_in, fault in _FAULTS if version < mended_in]
    return "; ".join(faults) or None


def pgvector_update_steps(available: str | None) -> str:
    """What to do about an old pgvector in a database, in order.

    Args:
        available: Version that the server's own files would install; None where it has none.
    """
    if available is not None and parse_version(available) >= MIN_PGVECTOR:
        server = f"restart the server, which has {available} installed, if it runs since before that"
    else:
        server = f"install pgvector {'.'.join(map(str, MIN_PGVECTOR))} or newer on the server and restart it"
    return (
        f"{server}; run ALTER EXTENSION vector UPDATE in the database; run galcat check, and rebuild the "
        "vector index by REINDEX TABLE galcat.embedding where it finds fault with it, or to be sure"
    )


def warn_of_old_pgvector(conn: psycopg.Connection, installed: str) -> None:
    """Log what is wrong with a database's pgvector and what to do, once a process; nothing where all is well.

    Args:
        conn: Open connection to the database.
        installed: Version of pgvector in it.
    """
    fault = pgvector_fault(installed)
    if fault is None:
        return
    text = (
        f"pgvector {installed} in the database at {conn.info.host} has faults that later versions mend: "
        f"{fault}. Reading goes on, galcat neither ingests nor builds indexes with it. "
        f"To do: {pgvector_update_steps(installed_and_available(conn)[1])}"
    )
    with _telling:
        if text not in _told:
            _told.add(text)
            _log.warning(text)


def installed_and_available(conn: psycopg.Connection) -> tuple[str | None, str | None]:
    """Version of pgvector in a database, and the one that its server's files would install."""
    row = conn.execute(_VERSIONS).fetchone()
    return row or (None, None)


def parse_version(version: str) -> tuple[int, int, int]:
    """The three numbers of a version; what it does not say is 0."""
    numbers = [int(part) for part in re.findall(r"\d+", version)[:3]]
    major, minor, patch = numbers + [0] * (3 - len(numbers))
    return major, minor, patch


def _require(conn: psycopg.Connection, min_pgvector: tuple[int, int, int]) -> None:
    reason = unsupported_reason(conn.info.server_version, *installed_and_available(conn), min_pgvector)
    if reason is not None:
        raise ServerError(reason.format(host=conn.info.host))
