"""Errors of the service by whose fault they are; the class says the HTTP status."""

from catalog.errors import CatalogError, QueryError, ReadOnlyError, ServerError

INTERNAL_MESSAGE = "the service failed; its log says why"
READ_ONLY_MESSAGE = "this service only reads the catalogue: jobs, uploads and labels go to one that writes"


class UsageError(QueryError):
    """A parameter is missing, unknown or out of range."""


class NotFoundError(CatalogError):
    """No job, table or file of that name."""


class BusyError(ServerError):
    """The service is full, or its database cannot be reached: the same may work later.

    Attributes:
        retry_seconds: After how many seconds a client should ask again.
    """

    retry_seconds = 10


class InternalError(ServerError):
    """Something failed inside the service; the log has the reason, the client does not."""


def http_status(error: CatalogError) -> int:
    """The HTTP status: 400 for the user's fault, 403 and 404 for what is not here, 503 and 500 for ours."""
    if isinstance(error, ReadOnlyError):
        return 403
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, InternalError):
        return 500
    return 503 if isinstance(error, ServerError) else 400
