"""What the service refuses or cannot do, by whose fault it is: the class says the HTTP status."""

from catalog.errors import CatalogError, QueryError, ServerError


class AskedWrongError(QueryError):
    """A parameter is missing, unknown or out of range."""


class NothingThereError(CatalogError):
    """No job, table or file of that name."""


class BusyError(ServerError):
    """The service is full, or its database cannot be reached: the same may work later.

    Attributes:
        retry_seconds: When to ask again.
    """

    retry_seconds = 10


BROKEN = "the service failed; its log says why"


class BrokenError(ServerError):
    """Something of ours failed; the log has the reason, the client does not."""


def status_of(error: CatalogError) -> int:
    """HTTP status: 400 for the user's fault, 404 for what is not there, 503 and 500 for ours."""
    if isinstance(error, NothingThereError):
        return 404
    if isinstance(error, BrokenError):
        return 500
    return 503 if isinstance(error, ServerError) else 400
