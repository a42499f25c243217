"""By which login strangers' queries reach the database: one that reads what is published, and no more."""

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from catalog.database.connection import connect
from catalog.errors import ServerError
from catalog.settings import Settings

READER = "galcat_public"
_HOW = (
    "GALCAT_READER_URL is not set: strangers' queries run by a login of their own. "
    f"ALTER ROLE {READER} LOGIN PASSWORD '...', and set the variable to the database's URL with it"
)


def reader_url(settings: Settings, url: str) -> str:
    """URL by which the service reads; on the embedded server, whose socket asks for no password, it is made.

    Args:
        settings: The environment's settings.
        url: URL of the same database with the login of its owner.

    Raises:
        ServerError: Another server than the embedded one, and no GALCAT_READER_URL.
    """
    if settings.reader_url is not None:
        return settings.reader_url
    if settings.database_url is not None:
        raise ServerError(_HOW)
    with connect(url, autocommit=True) as connection:
        connection.execute("SELECT galcat_tap.let_readers_in()")
    return make_conninfo("", **{**conninfo_to_dict(url), "user": READER})
