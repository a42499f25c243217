"""The parts that all of the service shares while it runs."""

from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from catalog.tap.database.connections import Connections
from catalog.tap.database.published_cache import PublishedCache
from catalog.tap.database.query_log import QueryLog
from catalog.tap.held_tables import HeldTables
from catalog.tap.limits import ServiceLimits
from catalog.tap.middleware.client import Client, find_base_url, identify_client
from catalog.tap.queries.run_query import RunningQuery
from catalog.tap.throttle import Refusals, Throttle

_UPLOADS_AT_ONCE = 3
_UPLOADS_AT_ONCE_AN_ADDRESS = 1
_MAX_UPLOADS_WAITING = 16
_MAX_UPLOADS_WAITING_AN_ADDRESS = 6
_MAX_UPLOAD_WAIT_S = 20.0


def make_upload_throttle(
    slots: int = _UPLOADS_AT_ONCE,
    max_waiting: int = _MAX_UPLOADS_WAITING,
    seconds: float = _MAX_UPLOAD_WAIT_S,
) -> Throttle:
    """Make the throttle of threads that read uploaded tables.

    Args:
        slots: How many tables are read at once.
        max_waiting: How many threads may wait; more are refused, for each waits instead of another's request.
        seconds: How long a thread waits.
    """
    refusals = Refusals(
        line_full="many uploaded tables are waiting to be read",
        address_full="{n} uploaded tables of your address are waiting to be read",
        timed_out="no table could be read for {seconds:g} s",
    )
    return Throttle(
        slots,
        max_waiting,
        _UPLOADS_AT_ONCE_AN_ADDRESS,
        _MAX_UPLOADS_WAITING_AN_ADDRESS,
        seconds,
        refusals,
    )


@dataclass(frozen=True)
class Service:
    """The shared parts of the service.

    Attributes:
        connections: The connections to the database.
        limits: How much one client may ask.
        spool: The folder for answers that must be whole before they are sent.
        throttle: Bounds how many synchronous queries run at once.
        log: The log of queries.
        cache: The tables and columns that queries may name.
        running: The queries of synchronous clients that run now.
        upload_throttle: Bounds how many threads read uploaded tables at once.
        held_tables: What uploaded tables of requests that go on take.
        public_url: The URL under which the service is known, where a proxy stands before it; else None.
    """

    connections: Connections
    limits: ServiceLimits
    spool: Path
    throttle: Throttle
    log: QueryLog
    cache: PublishedCache = field(default_factory=PublishedCache)
    running: set[RunningQuery] = field(default_factory=set)
    upload_throttle: Throttle = field(default_factory=make_upload_throttle)
    held_tables: HeldTables = field(default_factory=HeldTables)
    public_url: str | None = None

    def base(self, request: Request) -> str:
        """The service's URL as this client knows it, without a slash at its end."""
        return find_base_url(request, self.public_url)

    def client(self, request: Request) -> Client:
        """The client that sent a request."""
        return identify_client(request, self.public_url)
