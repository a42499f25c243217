"""Postgres' own programs that a backup needs: those of the embedded server, else the machine's."""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from catalog.database.connection import parse_url
from catalog.database.embedded.account import package_programs
from catalog.errors import BackupError, ServerError

_TLS_MODES = {"require", "verify-ca", "verify-full"}
_MACHINES = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of every version; only some of them are on the PATH."""


def find_program(name: str, url: str = "") -> Path:
    """Find a program such as psql or pg_dump.

    The embedded server's programs know no TLS: where a URL asks for it the machine's are taken.

    Args:
        name: Name of the program.
        url: The database that it is to reach.

    Raises:
        BackupError: It is nowhere, or none that knows TLS.
    """
    needs_tls = _asks_for_tls(url)
    if not needs_tls:
        with suppress(ServerError):  # a galcat without the embedded Postgres
            own = package_programs() / name
            if own.is_file():
                return own
    versions = [(_version(path.parts[-3]), path) for path in _MACHINES.glob(f"*/bin/{name}")]
    newest = [path for version, path in sorted(versions) if version]
    found = newest[-1] if newest else shutil.which(name)
    if found is None:
        raise BackupError(
            f"no {name} that knows TLS, which the database's URL asks for: install Postgres' client programs"
            if needs_tls
            else f"no {name} here: neither the embedded Postgres has one, nor is one on the PATH"
        )
    return Path(found)


def _version(folder: str) -> tuple[int, ...]:
    """The version that a folder is named for, such as 17 or, of old ones, 9.6; empty where it is none."""
    parts = folder.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()


def _asks_for_tls(url: str) -> bool:
    parts = conninfo_to_dict(parse_url(url)) if url else {}
    return (parts.get("sslmode") or os.environ.get("PGSSLMODE")) in _TLS_MODES


def connection_words(url: str) -> tuple[str, Mapping[str, str]]:
    """How a program is told of a database: the word after -d, and its environment with the password.

    A command line is for everybody to see.
    """
    parts = conninfo_to_dict(parse_url(url))
    password = parts.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    return make_conninfo("", **parts), environment
