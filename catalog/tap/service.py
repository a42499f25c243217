"""What all parts of the service share while it runs."""

from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from catalog.tap.database.connections import Connections
from catalog.tap.database.published_cache import PublishedCache
from catalog.tap.database.query_log import QueryLog
from catalog.tap.limits import ServiceLimits
from catalog.tap.middleware.client import Client, find_base_url, identify_client
from catalog.tap.queries.run_query import RunningQuery
from catalog.tap.throttle import Gate, ReadingPlaces


@dataclass(frozen=True)
class Service:
    """The parts.

    Attributes:
        connections: To the database.
        limits: What a client may ask.
        spool: Folder for answers that must be whole before they are sent.
        gate: Places for synchronous queries.
        log: Of queries.
        cache: What may be asked for.
        running: Queries of synchronous clients that run now.
        reading: Places for threads that read uploaded tables.
        public_url: Under which the service is known where a proxy stands before it.
    """

    connections: Connections
    limits: ServiceLimits
    spool: Path
    gate: Gate
    log: QueryLog
    cache: PublishedCache = field(default_factory=PublishedCache)
    running: set[RunningQuery] = field(default_factory=set)
    reading: ReadingPlaces = field(default_factory=ReadingPlaces)
    public_url: str | None = None

    def base(self, request: Request) -> str:
        """The service's URL as this client knows it, without a slash at its end."""
        return find_base_url(request, self.public_url)

    def client(self, request: Request) -> Client:
        """Who asks."""
        return identify_client(request, self.public_url)
