"""Bring a database to this version's schema: all of `sql/`, in one transaction, or nothing."""

import psycopg
from psycopg import sql

from catalog.database.connection import connect
from catalog.database.lock_retry import LOCK_TIMEOUT_MS, retry_on_lock
from catalog.database.older_migrations import list_repairs, rewrite_history
from catalog.database.requirements import require_readable, require_supported
from catalog.database.sql_files import SqlFile, sql_files
from catalog.errors import SchemaError

_THERE = "SELECT to_regnamespace('galcat') IS NOT NULL"
_READABLE = """
    SELECT coalesce(bool_or(
        has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')), false)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'galcat' AND c.relname = 'schema_history'
"""

ADVISORY_LOCK = 0x67616C636174  # "galcat"


def migrate(url: str) -> None:
    """Create or update the schema `galcat`; a database that is up to date is only read.

    Args:
        url: URL of the catalogue's database.

    Raises:
        ServerError: The server cannot be reached, or is too old. A new catalogue needs a pgvector without
            known faults; one that is there already is kept up to date on an older one too, so that it can
            be read.
        SchemaError: The database is newer than this program, an applied migration was changed, or readers
            held the lock for too long. Nothing is changed then.
    """

    def update() -> None:
        with connect(url) as connection:
            _apply(connection)

    try:
        retry_on_lock(update, SchemaError)
    except psycopg.errors.InsufficientPrivilege as error:
        reason = str(error).splitlines()[0]
        raise SchemaError(f"this login may not read or update the catalogue's schema: {reason}") from error


def require_current_schema(connection: psycopg.Connection) -> bool:
    """Refuse a catalogue whose schema is not this version's, without changing it.

    A login that may not read which files were applied is let pass: what is missing, its queries will say.

    Args:
        connection: Open connection of the login, before it takes a role.

    Returns:
        Whether there is a schema.

    Raises:
        SchemaError: The schema is older or newer than this program; says what to do.
    """
    if connection.execute(_READABLE).fetchone() != (True,):
        return connection.execute(_THERE).fetchone() == (True,)
    applied, files = _read_history(connection), sql_files()
    _refuse_foreign_history(applied, files)
    missing = [file.name for file in files if applied.get(file.name) != file.sha256]
    if missing:
        raise SchemaError(
            f"the catalogue's schema is older than this galcat: sql/{missing[0]} is not applied; "
            "bring it up to date by galcat up, which keeps every row"
        )
    return True


def _apply(connection: psycopg.Connection) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{LOCK_TIMEOUT_MS}ms")))
    files = sql_files()
    applied = _read_history(connection)
    (require_readable if applied else require_supported)(connection)
    if repairs := list_repairs(applied):
        texts = {file.name: file.sha256 for file in files}
        for older, repair in repairs:
            _run(connection, repair)
            rewrite_history(connection, older, texts[older.current])
        applied = _read_history(connection)
    _refuse_foreign_history(applied, files)
    if all(applied.get(file.name) == file.sha256 for file in files):
        return
    for file in files:
        if file.is_migration and file.name in applied:
            continue
        _run(connection, file)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO galcat.schema_history (file, sha256) VALUES (%s, %s) "
            "ON CONFLICT (file) DO UPDATE SET sha256 = excluded.sha256, applied_at = clock_timestamp() "
            "WHERE schema_history.sha256 <> excluded.sha256",
            [(file.name, file.sha256) for file in files],
        )


def _run(connection: psycopg.Connection, file: SqlFile) -> None:
    try:
        connection.execute(file.text.encode())
    except psycopg.errors.LockNotAvailable:
        raise
    except psycopg.Error as error:
        raise SchemaError(f"sql/{file.name} could not be applied: {str(error).splitlines()[0]}") from error


def _read_history(connection: psycopg.Connection) -> dict[str, str]:
    """Read the digest of every file this database was built from; empty for a new database."""
    row = connection.execute("SELECT to_regclass('galcat.schema_history')").fetchone()
    if row is None or row[0] is None:
        return {}
    return dict(connection.execute("SELECT file, sha256 FROM galcat.schema_history").fetchall())


def _refuse_foreign_history(applied: dict[str, str], files: list[SqlFile]) -> None:
    known = {file.name: file.sha256 for file in files if file.is_migration}
    for name, digest in applied.items():
        if not name.startswith("migrations/"):
            continue
        if name not in known:
            raise SchemaError(f"the database is newer than this galcat: it has {name}; update galcat")
        if known[name] != digest:
            raise SchemaError(f"sql/{name} was changed after it was applied: add a new migration instead")
