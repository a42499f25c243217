"""Connections to the catalogue's Postgres, refused in one line when it cannot serve us."""

import re

import psycopg
import sqlalchemy
from pgvector.psycopg.halfvec import register_halfvec_info
from pgvector.psycopg.vector import register_vector_info
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types import TypeInfo

from catalog.database.embedded.server import up
from catalog.errors import ServerError
from catalog.settings import Settings

OLDEST_POSTGRES = 15
OLDEST_PGVECTOR = (0, 8)
_CONNECT_SECONDS = 10
_MALFORMED = (
    "the database URL is malformed: expected postgresql://user:password@host:port/database, "
    "with @ : / ? # % in the password written as %40 %3A %2F %3F %23 %25"
)
_VECTOR_TYPES = """
    SELECT t.typname, t.oid, t.typarray
    FROM pg_extension e JOIN pg_type t ON t.typnamespace = e.extnamespace
    WHERE e.extname = 'vector' AND t.typname IN ('vector', 'halfvec')
"""
_PGVECTOR = """
    SELECT (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
           (SELECT default_version FROM pg_available_extensions WHERE name = 'vector')
"""


def database_url(settings: Settings) -> str:
    """URL of the catalogue's database; starts the embedded server when the settings name no other."""
    return settings.database_url or up(settings.home)


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection:
    """Open a connection; vector columns come back as pgvector objects where the extension exists.

    Raises:
        ServerError: One line that says why, and never the password.
    """
    conninfo = parse_url(url)
    try:
        conn = psycopg.connect(conninfo, autocommit=True)
        _register_vectors(conn)
    except psycopg.Error as error:
        raise ServerError(_refusal(error, conninfo)) from None
    conn.autocommit = autocommit
    return conn


def engine(url: str) -> sqlalchemy.Engine:
    """An engine whose connections come from `connect`; dead ones are replaced, so it outlives a restart."""
    return sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: connect(url), pool_pre_ping=True)


def require_supported(conn: psycopg.Connection) -> None:
    """Refuse a server that is too old, or that lacks pgvector.

    Raises:
        ServerError: Names the host, what was found there, and what is needed.
    """
    row = conn.execute(_PGVECTOR).fetchone()
    installed, available = row or (None, None)
    reason = unsupported_reason(conn.info.server_version, installed, available)
    if reason is not None:
        raise ServerError(reason.format(host=conn.info.host))


def unsupported_reason(server_version: int, installed: str | None, available: str | None) -> str | None:
    """Why galcat cannot use a server; None when it can.

    Args:
        server_version: As libpq gives it: 140002 is 14.2.
        installed: Version of pgvector in this database.
        available: Version that CREATE EXTENSION would install.

    Returns:
        A sentence with `{host}` to be filled in.
    """
    major, minor = divmod(server_version, 10_000)
    if major < OLDEST_POSTGRES:
        return f"PostgreSQL {major}.{minor} at {{host}} is too old: galcat needs {OLDEST_POSTGRES} or newer"
    needed = ".".join(str(part) for part in OLDEST_PGVECTOR)
    found = installed or available
    if found is None:
        return f"PostgreSQL {major}.{minor} at {{host}} has no pgvector: galcat needs {needed} or newer"
    if _numbers(found) >= OLDEST_PGVECTOR:
        return None
    if installed and available and _numbers(available) >= OLDEST_PGVECTOR:
        return (
            f"pgvector {installed} in the database at {{host}} is too old: run ALTER EXTENSION vector UPDATE "
            f"(the server has {available})"
        )
    return f"pgvector {found} at {{host}} is too old: galcat needs {needed} or newer"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def parse_url(url: str) -> str:
    """A libpq connection string with a time limit; SQLAlchemy's `postgresql+psycopg://` is understood too.

    A password with a bare @ or / in it would be read as a host or port, and come back in an error message.
    """
    try:
        parts = conninfo_to_dict(re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url))
    except psycopg.ProgrammingError:
        raise ServerError(_MALFORMED) from None
    port = str(parts.get("port") or "")
    if "@" in str(parts.get("host") or "") or not re.fullmatch(r"[\d,]*", port):
        raise ServerError(_MALFORMED)
    parts.setdefault("connect_timeout", _CONNECT_SECONDS)
    return make_conninfo("", **parts)


def _refusal(error: psycopg.Error, conninfo: str) -> str:
    parts = conninfo_to_dict(conninfo)
    where = f"{parts.get('host') or 'the default host'}, database {parts.get('dbname') or '(not named)'}"
    # psycopg repeats itself from the second line on.
    said = (
        str(error)
        .strip()
        .splitlines()[0]
        .removeprefix("connection failed: ")
        .removeprefix("connection is bad: ")
    )
    password = str(parts.get("password") or "")
    if password and password in said:
        said = "the server refused (its words are not shown, they hold the password)"
    return f"cannot connect to {where}: {said}"


def _register_vectors(conn: psycopg.Connection) -> None:
    # By the extension's schema: pgvector's own function looks along the search_path, which may be empty.
    for name, oid, array_oid in conn.execute(_VECTOR_TYPES).fetchall():
        register = register_vector_info if name == "vector" else register_halfvec_info
        register(conn, TypeInfo(name, oid, array_oid))
