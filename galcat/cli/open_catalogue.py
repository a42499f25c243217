"""How a command opens the catalogue: to ask it, to show what people and jobs wrote, or to change it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from galcat.errors import WorkflowError

if TYPE_CHECKING:
    import psycopg

# What not every command needs is imported in functions: a command starts in the time that Python takes.


def catalogue_url(*, may_create: bool = False) -> str:
    """The URL of the catalogue's database that the settings name; starts the embedded server if it is that.

    Args:
        may_create: Whether the command may make a catalogue where there is none.

    Raises:
        ServerError: There is no catalogue, or the embedded server cannot be started.
    """
    from catalog.database.connection import database_url, existing_database_url  # noqa: PLC0415
    from catalog.settings import load_settings  # noqa: PLC0415

    return (database_url if may_create else existing_database_url)(load_settings())


def updated_catalogue_url(*, may_create: bool = False) -> str:
    """The same after the catalogue's schema was brought up to date.

    Args:
        may_create: Whether a server that is not there yet is made; only commands that fill a catalogue may.

    Raises:
        ServerError: The server cannot be reached, or is too old.
        SchemaError: The schema cannot be brought up to date.
    """
    from catalog.database.migrate import migrate  # noqa: PLC0415

    url = catalogue_url(may_create=may_create)
    migrate(url)
    return url


@contextmanager
def open_to_read() -> Iterator["psycopg.Connection"]:
    """Open the catalogue for a command that asks it something.

    Raises:
        WorkflowError: Nothing has been ingested yet.
    """
    from catalog.database.connection import connect  # noqa: PLC0415

    with connect(catalogue_url(), autocommit=True) as connection:
        _require_release(connection)
        yield connection


@contextmanager
def open_as_reader(
    *, may_be_empty: bool = False, role: Literal["galcat_reader", "galcat_writer"] = "galcat_reader"
) -> Iterator["psycopg.Connection"]:
    """Open the catalogue for a command that shows what people and jobs have written.

    Its session can only read, and its schema stays as it is.

    Args:
        may_be_empty: Whether the command makes sense before anything was ingested.
        role: With whose rights: readers do not see who may log in to the page.

    Raises:
        SchemaError: The schema is that of another version of galcat.
        WorkflowError: Nothing has been ingested yet, and it may not be empty.
    """
    from catalog.database.connection import connect  # noqa: PLC0415
    from catalog.database.migrate import require_current_schema  # noqa: PLC0415

    with connect(catalogue_url(), autocommit=True) as connection:
        has_schema = require_current_schema(connection)
        if not (has_schema and may_be_empty):
            _require_release(connection)
        connection.execute(f"SET default_transaction_read_only = on; SET ROLE {role}")
        yield connection


@contextmanager
def open_to_write(*, may_be_empty: bool = False) -> Iterator["psycopg.Connection"]:
    """Open the catalogue for a command that changes it: its schema up to date, as the writer.

    Args:
        may_be_empty: Whether the command makes sense before anything was ingested.

    Raises:
        WorkflowError: Nothing has been ingested yet, and it may not be empty.
    """
    from galcat.workflows.writing import writing  # noqa: PLC0415

    if not may_be_empty:
        with open_to_read():
            pass
    with writing(updated_catalogue_url()) as connection:
        yield connection


def _require_release(connection: "psycopg.Connection") -> None:
    from catalog.database.read_only import is_empty  # noqa: PLC0415

    if is_empty(connection):
        raise WorkflowError("the catalogue is empty: fill it with galcat demo or galcat ingest")
