"""Connections to the catalogue's Postgres, refused in one line when it cannot serve us."""

import re

import psycopg
from pgvector.psycopg.halfvec import register_halfvec_info
from pgvector.psycopg.vector import register_vector_info
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types import TypeInfo

from catalog.database.pooler import require_session
from catalog.database.requirements import (
    MIN_PGVECTOR_TO_READ,
    parse_version,
    require_readable,
    warn_of_old_pgvector,
)
from catalog.errors import ServerError
from catalog.settings import Settings, user_file

_CONNECT_SECONDS = 10
_MALFORMED = (
    "the database URL is malformed: expected postgresql://user:password@host:port/database, "
    "with @ : / ? # % in the password written as %40 %3A %2F %3F %23 %25"
)
_FAILURE = re.compile(r"(?P<host>- host: .*?: )?connection (failed|is bad): (?P<said>.*)")
"""A line of psycopg's: of several servers it names the last, and then all of them, each behind its host."""
_VECTOR_TYPES = """
    SELECT t.typname, t.oid, t.typarray, e.extversion
    FROM pg_extension e JOIN pg_type t ON t.typnamespace = e.extnamespace
    WHERE e.extname = 'vector' AND t.typname IN ('vector', 'halfvec')
"""


def database_url(settings: Settings) -> str:
    """URL of the catalogue's database; starts the embedded server when the settings name no other."""
    if settings.database_url:
        return settings.database_url
    from catalog.database.embedded.server import up  # noqa: PLC0415 - only where the server is our own

    return up(settings.home)


def existing_database_url(settings: Settings) -> str:
    """The same where there is a catalogue already: who only asks never makes a server.

    Raises:
        ServerError: The home has no catalogue; says where it was sought, and how to name another.
    """
    from catalog.database.embedded.server import exists  # noqa: PLC0415 - as above

    if not settings.database_url and not exists(settings.home):
        raise ServerError(
            f"no catalogue in {settings.home.resolve()}: name another folder by galcat --home, GALCAT_HOME "
            f"or home in {user_file()}, or make one by galcat demo or galcat ingest"
        )
    return database_url(settings)


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection:
    """Open a connection; vector columns come back as pgvector objects where the extension exists.

    A pgvector with known faults is named in the log, once a process.

    Args:
        url: The database, as libpq or SQLAlchemy write it.
        autocommit: Whether every statement is a transaction of its own.

    Raises:
        ServerError: One line that says why, and never the password.
    """
    conninfo = parse_url(url)
    try:
        conn = psycopg.connect(conninfo, autocommit=True)
        try:
            require_session(conn, conninfo)
            _register_vectors(conn)
        except BaseException:
            conn.close()
            raise
    except psycopg.Error as error:
        raise ServerError(_refusal(error, conninfo)) from None
    conn.autocommit = autocommit
    return conn


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
    said = "; ".join(_list_failures(str(error).strip().splitlines()))
    password = str(parts.get("password") or "")
    if password and password in said:
        said = "the server refused (its words are not shown, they hold the password)"
    return f"cannot connect to {where}: {said}"


def _list_failures(lines: list[str]) -> list[str]:
    """Why each of the servers that a URL names was not reached, of psycopg's words on all of them."""
    found = [_FAILURE.match(line) for line in lines]
    of_each = [match["said"] for match in found if match and match["host"]]
    first = found[0]
    return list(dict.fromkeys(of_each)) or [first["said"] if first else lines[0]]


def _register_vectors(conn: psycopg.Connection) -> None:
    # By the extension's schema: pgvector's own function looks along the search_path, which may be empty.
    types = conn.execute(_VECTOR_TYPES).fetchall()
    for name, oid, array_oid, _ in types:
        register = register_vector_info if name == "vector" else register_halfvec_info
        register(conn, TypeInfo(name, oid, array_oid))
    if not types:
        return
    installed = types[0][3]
    if parse_version(installed) < MIN_PGVECTOR_TO_READ:
        require_readable(conn)
    warn_of_old_pgvector(conn, installed)
