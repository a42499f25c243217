"""What can go wrong while a workflow runs."""

import psycopg

from catalog.errors import CatalogError, ServerError
from encoder.errors import EncoderError, first_line


class WorkflowError(Exception):
    """A workflow cannot go on; its text is one line."""


EXPECTED = (CatalogError, EncoderError, WorkflowError, psycopg.Error, OSError)


def reason(error: BaseException) -> str:
    """The first line of an error's text; of a system error, the file and what is wrong with it."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return first_line(error)


def is_passing(error: BaseException) -> bool:
    """Tell whether the same may succeed in a minute: the database was away, the files may be good."""
    away = (ServerError, psycopg.OperationalError)
    return isinstance(error, away) or isinstance(error.__cause__, away)
