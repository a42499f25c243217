"""Errors over HTTP: a VOTable, with the status that says whose fault it was (DALI 1.1)."""

import logging

import psycopg
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import CatalogError
from catalog.formats.choose import VOTABLE
from catalog.formats.votable.document import votable_error
from catalog.tap.database.postgres_errors import translate_error
from catalog.tap.errors import INTERNAL_MESSAGE, BusyError, http_status

_SECONDS = 20.0
"""What documents are allowed."""

_log = logging.getLogger(__name__)


def error_response(error: CatalogError) -> Response:
    """Make a VOTable with QUERY_STATUS = ERROR."""
    headers = {"Retry-After": str(error.retry_seconds)} if isinstance(error, BusyError) else None
    return Response(votable_error(str(error)), http_status(error), headers, VOTABLE)


async def on_catalog_error(_request: Request, error: Exception) -> Response:
    """Handle, for Starlette, an error whose text is meant for the client."""
    assert isinstance(error, CatalogError)  # noqa: S101 - registered for this class
    return error_response(error)


async def on_http_error(_request: Request, error: Exception) -> Response:
    """Handle, for Starlette, that there is no such path, or no such method there."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    return Response(votable_error(error.detail), error.status_code, error.headers, VOTABLE)


async def on_any_error(request: Request, error: Exception) -> Response:
    """Handle, for Starlette, an error of our own: the log has what happened, the client does not."""
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return Response(votable_error(INTERNAL_MESSAGE), 500, media_type=VOTABLE)


async def on_database_error(_request: Request, error: Exception) -> Response:
    """Handle, for Starlette, that Postgres refused something or cannot be reached."""
    assert isinstance(error, psycopg.Error)  # noqa: S101 - registered for this class
    return error_response(translate_error(error, _SECONDS))
