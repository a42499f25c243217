"""Errors of Postgres, told apart: what the query's author can mend, and what only the service's owner can."""

import logging

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from catalog.errors import CatalogError, QueryError, ReadOnlyError
from catalog.tap.errors import INTERNAL_MESSAGE, READ_ONLY_MESSAGE, BusyError, InternalError

_log = logging.getLogger(__name__)

_USER_CLASSES = ("22", "21", "2F", "P0", "54")
"""SQLSTATE classes: data, cardinality, functions that refuse, no such row, too complex."""
_USER_STATES = {"42703", "42P01", "42883", "42804", "42725", "42846", "42803", "53400"}
_OUT_OF_MEMORY = "53200"
_INTERNAL = "XX000"
_TOO_LARGE = "invalid memory alloc request size"
"""What Postgres says where a value of a GB would be needed."""
_NOT_AS_PUBLISHED = {"42703", "42P01", "42883"}


def translate_error(error: psycopg.Error, seconds: float) -> CatalogError:
    """Make of an error of Postgres one for the client, in one line.

    Args:
        error: The error that Postgres gave to a query of a client.
        seconds: How long the query was allowed to take.
    """
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return ReadOnlyError(READ_ONLY_MESSAGE)
    users = _users_fault(error, seconds)
    if users:
        return QueryError(users)
    if isinstance(error, PoolTimeout | PoolClosed | TooManyRequests | psycopg.OperationalError):
        _log.error("the database: %s", _one_line(error))
        return BusyError("the database cannot answer now: try again later")
    _log.error("a query failed by our fault: %s %s", error.sqlstate, _one_line(error), exc_info=error)
    return InternalError(INTERNAL_MESSAGE)


def timeout_message(seconds: float) -> str:
    """What is said to a client whose query took longer than it was allowed."""
    return (
        f"the query took longer than {seconds:g} s and was cancelled: ask for less, "
        "or run it as a job with a longer EXECUTIONDURATION"
    )


def _users_fault(error: psycopg.Error, seconds: float) -> str:
    """What the query's author can mend; empty where nothing."""
    state, line = error.sqlstate or "", _one_line(error)
    if isinstance(error, errors.QueryCanceled):
        return timeout_message(seconds)
    if state in _NOT_AS_PUBLISHED:
        return "the published columns changed a moment ago: ask again"
    if state == _OUT_OF_MEMORY or (state == _INTERNAL and line.startswith(_TOO_LARGE)):
        return "the query needs more memory than Postgres has for it: ask for shorter texts, or fewer of them"
    if state.startswith(_USER_CLASSES) or state in _USER_STATES:
        return line
    if state == "" and isinstance(error, psycopg.DataError):
        return f"a value cannot be sent: {line}"
    return ""


def _one_line(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    parts = [error.diag.message_primary or lines[0]]
    if error.diag.message_hint:
        parts.append(f"({error.diag.message_hint})")
    return " ".join(" ".join(parts).split())


def make_storable(text: str) -> str:
    """Replace NUL and lone surrogates, which Postgres cannot store, by U+FFFD."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()
