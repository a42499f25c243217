"""By which login strangers' queries reach the database: one that reads what is published, and no more."""

from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from catalog.database.connection import connect
from catalog.errors import ServerError, SettingsError
from catalog.settings import Settings

READER = "galcat_public"
_HOW = (
    f"GALCAT_READER_URL is not set: strangers' queries run by a login of their own, {READER}. "
    "galcat init --reader-password-file FILE lets it in, and the variable is the database's URL with it"
)


def reader_url(settings: Settings, url: str, *, may_change: bool = True) -> str:
    """URL by which the service reads; on the embedded server, whose socket asks for no password, it is made.

    Args:
        settings: The environment's settings.
        url: URL of the same database with the login of its owner.
        may_change: Whether the reader's login is let in where it is not yet.

    Raises:
        ServerError: Another server than the embedded one, and no GALCAT_READER_URL.
    """
    if settings.reader_url is not None:
        return settings.reader_url
    if settings.database_url is not None:
        raise ServerError(_HOW)
    if may_change:
        with connect(url, autocommit=True) as connection:
            connection.execute("SELECT galcat_tap.let_readers_in()")
    return make_conninfo("", **{**conninfo_to_dict(url), "user": READER})


def let_reader_log_in(url: str, file: Path) -> None:
    """Let strangers' queries log in by the password that stands in a file, which goes nowhere in clear.

    Args:
        url: URL of the catalogue's database, by a login that may change the role.
        file: Its first line is the password.

    Raises:
        SettingsError: The file cannot be read, or is empty.
        ServerError: The login may not change the role.
    """
    try:
        password = (file.read_text(encoding="utf-8").splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "no text"
        raise SettingsError(f"{file}: {said}") from None
    if not password:
        raise SettingsError(f"{file}: its first line is to be the password, and is empty")
    with connect(url, autocommit=True) as connection:
        digest = connection.pgconn.encrypt_password(password.encode(), READER.encode(), b"scram-sha-256")
        statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
            sql.Identifier(READER), sql.Literal(digest.decode())
        )
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege as error:
            raise ServerError(f"this login may not change {READER}: {str(error).splitlines()[0]}") from error
