"""Bring a database to this version's schema: all of `sql/`, in one transaction, or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import psycopg
from psycopg import sql

from catalog.database.advisory_lock import find_holder
from catalog.database.connection import connect
from catalog.database.lock_retry import LOCK_TIMEOUT_MS, retry_on_lock
from catalog.database.older_migrations import list_repairs, rewrite_history
from catalog.database.outside import is_granted, list_files_to_repeat
from catalog.database.privileges import describe_needed
from catalog.database.requirements import parse_version, require_readable, require_supported
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
_HAS_VERSION = """
    SELECT FROM pg_catalog.pg_attribute
    WHERE attrelid = pg_catalog.to_regclass('galcat.schema_history') AND attname = 'applied_by'
"""


def migrate(url: str) -> None:
    """Create or update the schema `galcat`; a database that is up to date is only read, without a lock.

    What no dump carries is made again where it is not in force and the login can make it: roles and who may
    act as whom, settings of the database and of the reader, and after a dump was read in without them,
    owners and grants.

    Args:
        url: URL of the catalogue's database.

    Raises:
        ServerError: The server cannot be reached, or is too old. A new catalogue needs a pgvector without
            known faults; one that is there already is kept up to date on an older one too, so that it can
            be read.
        SchemaError: The database is newer than this program, an applied migration was changed, the login
            lacks a right, or others held a lock for too long. Nothing is changed then.
    """

    def update() -> None:
        with connect(url) as connection:
            if _list_steps(connection):
                _apply(connection)

    try:
        with _explaining_refusals(url):
            retry_on_lock(update, SchemaError)
    except SchemaError as error:
        if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            _name_holder(url, error)
        raise


def plan_migration(url: str) -> list[str]:
    """List the files in `sql/` that `migrate` would run, in their order; the database is only read.

    Args:
        url: URL of the catalogue's database.

    Raises:
        ServerError: The server cannot be reached, or is too old.
        SchemaError: The database is newer than this program, an applied migration was changed, or the login
            may not read the catalogue.
    """
    with _explaining_refusals(url), connect(url) as connection:
        return _list_steps(connection)


@contextmanager
def _explaining_refusals(url: str) -> Iterator[None]:
    """Say which right a login lacks where Postgres refuses it something."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        with connect(url) as connection:
            _require_rights(connection)
        reason = str(error).splitlines()[0]
        raise SchemaError(f"this login may not read or update the catalogue's schema: {reason}") from error


def _list_steps(connection: psycopg.Connection) -> list[str]:
    """Repairs, then migrations that were never applied, and all other files where one of them changed."""
    files, applied = sql_files(), _read_history(connection)
    (require_readable if applied else require_supported)(connection)
    _refuse_newer_program(connection)
    repaired = applied | {
        older.current: next(file.sha256 for file in files if file.name == older.current)
        for older, _ in list_repairs(applied)
    }
    for older, _ in list_repairs(applied):
        if older.name != older.current:
            del repaired[older.name]
    _refuse_foreign_history(repaired, files)
    repairs = [repair.name for _, repair in list_repairs(applied)]
    if not repairs and all(applied.get(file.name) == file.sha256 for file in files):
        if is_granted(connection):
            return list_files_to_repeat(connection)
        return [file.name for file in files if not file.is_migration]
    return repairs + [file.name for file in files if not (file.is_migration and file.name in repaired)]


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
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{LOCK_TIMEOUT_MS}ms")))
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
    steps = _list_steps(connection)  # once more: another may have been faster
    _require_rights(connection)
    files, applied = sql_files(), _read_history(connection)
    texts = {file.name: file.sha256 for file in files}
    for older, repair in list_repairs(applied):
        _run(connection, repair)
        rewrite_history(connection, older, texts[older.current])
    for file in files:
        if file.name in steps:
            _run(connection, file)
    if steps:
        _write_history(connection, files)


def _require_rights(connection: psycopg.Connection) -> None:
    lacking = describe_needed(connection)
    if lacking is not None:
        raise SchemaError(lacking)


def _write_history(connection: psycopg.Connection, files: list[SqlFile]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO galcat.schema_history (file, sha256, applied_by) VALUES (%s, %s, %s) "
            "ON CONFLICT (file) DO UPDATE SET sha256 = excluded.sha256, "
            "applied_at = clock_timestamp(), applied_by = excluded.applied_by "
            "WHERE schema_history.sha256 <> excluded.sha256",
            [(file.name, file.sha256, version("galcat")) for file in files],
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


def _refuse_newer_program(connection: psycopg.Connection) -> None:
    """Refuse a catalogue that a later version of galcat has brought up to date: its views would be undone."""
    if connection.execute(_HAS_VERSION).fetchone() is None:
        return
    rows = connection.execute("SELECT DISTINCT applied_by FROM galcat.schema_history").fetchall()
    newest = max((row[0] for row in rows if row[0]), key=parse_version, default="0")
    if parse_version(newest) > parse_version(version("galcat")):
        raise SchemaError(
            f"the catalogue was brought up to date by galcat {newest}, this is {version('galcat')}: "
            "update galcat"
        )


def _refuse_foreign_history(applied: dict[str, str], files: list[SqlFile]) -> None:
    known = {file.name: file.sha256 for file in files if file.is_migration}
    for name, digest in applied.items():
        if not name.startswith("migrations/"):
            continue
        if name not in known:
            raise SchemaError(f"the database is newer than this galcat: it has {name}; update galcat")
        if known[name] != digest:
            raise SchemaError(f"sql/{name} was changed after it was applied: add a new migration instead")


def _name_holder(url: str, error: SchemaError) -> None:
    """Raise a better error where somebody holds the lock of the schema itself."""
    with connect(url, autocommit=True) as connection:
        holder = find_holder(connection, ADVISORY_LOCK)
    if holder is not None:
        raise SchemaError(
            f"{holder} holds the lock of the catalogue's schema: {holder.remedy}, then try again"
        ) from error
