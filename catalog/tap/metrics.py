"""The route /metrics: what the service and the catalogue do, for Prometheus."""

import ipaddress
import shutil
import time
from collections.abc import Iterator
from typing import get_args

import psycopg
from anyio.to_thread import run_sync
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from catalog.database.disk import find_free_bytes
from catalog.errors import ServerError
from catalog.search.memory.galaxy_memory import GalaxyMemory, MemoryState, Phase
from catalog.tap.service import Service

_INTERFACES = {
    "tap": {"sync", "async", "tables", "capabilities", "availability", "examples"},
    "datalink": {"links", "cutout", "thumbnail"},
    "hats": set[str](),
    "health": set[str](),
    "metrics": set[str](),
    "scs": set[str](),
    "static": set[str](),
}
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_JOBS = "SELECT phase, count(*) FROM galcat_tap.job GROUP BY 1"
_TILES = """
    SELECT i.state, count(*), coalesce(sum(i.n_galaxies), 0)::bigint,
        extract(epoch FROM max(i.finished_at))::float8
    FROM galcat.ingestion AS i WHERE i.release_id = galcat.current_release() GROUP BY 1
"""
_LOG_BYTES = "SELECT pg_catalog.pg_total_relation_size('galcat_tap.query_log')"
_DATABASE_BYTES = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())"


class Metrics:
    """What is counted while requests are answered, and what is looked up when somebody asks.

    Args:
        service: The service that is measured.
    """

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "galcat_requests",
            "Requests that were answered.",
            ["interface", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "galcat_request_seconds",
            "How long requests took, to their last byte.",
            ["interface"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._registry.register(_Now(service))
        ProcessCollector(registry=self._registry)

    def observe(self, path: str, status: int, seconds: float) -> None:
        """Count a request; of a path that anybody may write only what the service knows is kept."""
        interface = find_interface(path)
        self._requests.labels(interface, str(status)).inc()
        self._seconds.labels(interface).observe(seconds)

    def write(self) -> bytes:
        """Write all of it in Prometheus' text format; asks the database."""
        return generate_latest(self._registry)


def find_interface(path: str) -> str:
    """Name the part of the service that a path belongs to, such as `tap/sync`; `page` for what is left."""
    first, second, *_ = [*path.strip("/").split("/"), "", ""]
    if first not in _INTERFACES:
        return "page"
    return f"{first}/{second}" if second in _INTERFACES[first] else first


def metrics_routes(service: Service, metrics: Metrics) -> list[Route]:
    """Make the route; it answers machines of this network alone, for it tells how the service is doing."""

    async def show(request: Request) -> Response:
        if not is_near(service.client(request).address):
            return PlainTextResponse("metrics are for this machine and its network\n", 403)
        return Response(await run_sync(metrics.write), media_type=CONTENT_TYPE_LATEST)

    return [Route("/metrics", show, methods=["GET"])]


def is_near(address: str) -> bool:
    """Whether an address is of this machine or of a private network (RFC 1918, RFC 4193)."""
    try:
        number = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return number.is_loopback or number.is_private or number.is_link_local


class _Now(Collector):
    """What is looked up for every answer."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Look; without its database, only what the process itself knows."""
        service = self._service
        yield GaugeMetricFamily(
            "galcat_queries_running", "Synchronous queries that run.", len(service.running)
        )
        yield GaugeMetricFamily(
            "galcat_queries_waiting", "Queries that wait for a place.", service.throttle.n_waiting
        )
        yield GaugeMetricFamily(
            "galcat_abandoned_backends",
            "Processes of Postgres that were stopped and do not end.",
            service.connections.abandoned,
        )
        yield GaugeMetricFamily(
            "galcat_disk_free_bytes",
            "Free on the disk of the results.",
            shutil.disk_usage(service.spool).free,
        )
        pools = GaugeMetricFamily("galcat_pool", "Connections of the pools.", labels=["pool", "what"])
        for name, stats in service.connections.pool_sizes().items():
            for what in ("pool_size", "pool_available", "requests_waiting"):
                pools.add_metric([name, what], stats.get(what, 0))
        yield pools
        if service.connections.memory is not None:
            yield from _describe_memory(service.connections.memory.state)
        began = time.monotonic()
        found = list(self._ask())
        yield GaugeMetricFamily(
            "galcat_database_up", "1 where the database answers, else 0.", int(bool(found))
        )
        yield GaugeMetricFamily(
            "galcat_database_seconds",
            "How long the database took for these figures.",
            time.monotonic() - began,
        )
        yield from found

    def _ask(self) -> list[Metric]:
        try:
            with self._service.connections.writer() as writer, writer.transaction():
                writer.execute("SET LOCAL statement_timeout = 5000")
                return [*_look_up(writer), *_count_waiting(writer, self._service.connections.memory)]
        except (psycopg.Error, PoolTimeout, ServerError):
            return []


def _describe_memory(state: MemoryState) -> Iterator[Metric]:
    """The galaxies that this process holds for searches."""
    phase = GaugeMetricFamily(
        "galcat_search_memory", "1 for how it stands with the galaxies in memory, else 0.", labels=["phase"]
    )
    for name in get_args(Phase):
        phase.add_metric([name], int(name == state.phase))
    yield phase
    is_held = state.phase == "held"
    figures = {
        "galaxies": ("Galaxies that are held in memory.", state.galaxies),
        "changed_galaxies": ("Of these, changed and read again since the last sweep.", state.changed),
        "bytes": ("Memory that they take.", state.bytes),
        "sweep_seconds": ("How long the last sweep took.", state.seconds),
        "last_change": ("Number of the newest change in what is held.", state.last_change),
        "as_of_seconds": (
            "When it was seen last to be all that the database holds, seconds since 1970.",
            state.as_of,
        ),
    }
    for name, (text, value) in figures.items():
        yield GaugeMetricFamily(f"galcat_search_memory_{name}", text, value if is_held else 0)


def _count_waiting(writer: psycopg.Connection, memory: GalaxyMemory | None) -> Iterator[Metric]:
    waiting = None if memory is None else memory.count_waiting(writer)
    if waiting is not None:
        yield GaugeMetricFamily(
            "galcat_search_memory_changes_waiting",
            "Changes in the database that the next search brings into memory.",
            waiting,
        )


def _look_up(writer: psycopg.Connection) -> list[Metric]:
    jobs = GaugeMetricFamily("galcat_jobs", "Jobs by phase.", labels=["phase"])
    for phase, n in writer.execute(_JOBS):
        jobs.add_metric([phase], n)
    tiles = GaugeMetricFamily("galcat_tiles", "Tiles of the current release by state.", labels=["state"])
    galaxies, last = 0, 0.0
    for state, n, n_galaxies, finished_s in writer.execute(_TILES):
        tiles.add_metric([state], n)
        galaxies, last = galaxies + n_galaxies, max(last, finished_s)
    sizes = {"query_log": _LOG_BYTES, "database": _DATABASE_BYTES}
    size = GaugeMetricFamily("galcat_stored_bytes", "Bytes on the disk of the database.", labels=["what"])
    for what, query in sizes.items():
        row = writer.execute(query.encode()).fetchone()
        size.add_metric([what], row[0] if row else 0)
    return [
        jobs,
        tiles,
        GaugeMetricFamily("galcat_galaxies", "Galaxies of the current release.", galaxies),
        GaugeMetricFamily(
            "galcat_last_tile_seconds", "When a tile was tried last, seconds since 1970.", last
        ),
        size,
        *_find_free(writer),
    ]


def _find_free(writer: psycopg.Connection) -> Iterator[Metric]:
    free = find_free_bytes(writer)
    if free is not None:
        yield GaugeMetricFamily("galcat_database_disk_free_bytes", "Free on the disk of the database.", free)
