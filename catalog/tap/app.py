"""The service as an ASGI application: its parts, its routes, its start and end, and uvicorn's settings."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

import psycopg
import uvicorn
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from catalog.errors import CatalogError
from catalog.tap.answers.response import OVERFLOW_HEADER
from catalog.tap.answers.sync import sync_routes
from catalog.tap.cone_search.routes import cone_search_routes
from catalog.tap.database.connections import Connections
from catalog.tap.database.query_log import QueryLog
from catalog.tap.datalink.cutout import Cutter
from catalog.tap.datalink.routes import datalink_routes
from catalog.tap.error_response import on_any_error, on_catalog_error, on_database_error, on_http_error
from catalog.tap.health import health_routes
from catalog.tap.limits import ServiceLimits
from catalog.tap.metrics import Metrics, metrics_routes
from catalog.tap.middleware.bodies import Bodies
from catalog.tap.middleware.connection import ConnectionLimits, bounded_protocol
from catalog.tap.middleware.cross_origin import CrossOrigin
from catalog.tap.middleware.form_files import FormFiles
from catalog.tap.middleware.hosts import Hosts, host_of
from catalog.tap.middleware.request_log import RequestLog
from catalog.tap.service import Service
from catalog.tap.throttle import Throttle
from catalog.tap.uws.document_routes import job_document_routes
from catalog.tap.uws.job_parts import JobParts, make_job_parts
from catalog.tap.uws.job_routes import JobRoutes
from catalog.tap.uws.list_routes import job_list_routes
from catalog.tap.vosi.routes import vosi_routes

_EXPOSED = (
    OVERFLOW_HEADER,
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "ETag",
    "Location",
    "Retry-After",
    "X-Request-ID",
)
_GOODBYE_S = 10
"""For answers that are being sent when the service is stopped."""


def make_app(
    connections: Connections,
    limits: ServiceLimits,
    spool_folder: Path,
    extra_routes: Sequence[BaseRoute] = (),
    public_url: str | None = None,
    cutter: Cutter | None = None,
    make_pages: Callable[[Service], Sequence[BaseRoute]] | None = None,
    hosts: Sequence[str] = (),
) -> Starlette:
    """Make the application: TAP, cone search and DataLink at /tap, /scs and /datalink.

    Args:
        connections: The connections to the database, which are not open yet.
        limits: How much one client may ask.
        spool_folder: The folder for results of jobs and for answers that must be whole before they are sent;
            it is made where it is missing.
        extra_routes: Routes that are served beside the service's own and before them; they may take the root.
        public_url: The URL under which the service is known, where a proxy stands before it; only then are
            the addresses believed that X-Forwarded-For names.
        cutter: Cuts galaxies out of the files of their tiles; without it the service offers no cutouts.
        make_pages: Makes routes that need the service's parts, such as those of its pages; they may take the
            root too.
        hosts: Names under which clients may call the service, besides localhost, this machine's own, that of
            `public_url`, and addresses by number.
    """
    log = QueryLog(connections)
    throttle = Throttle(
        limits.queries_at_once,
        limits.queries_waiting,
        limits.queries_at_once_an_address,
        limits.queries_waiting_an_address,
        limits.queue_seconds,
    )
    service = Service(connections, limits, spool_folder, throttle, log, public_url=public_url)
    jobs, metrics = make_job_parts(service), Metrics(service)
    app = Starlette(
        routes=[
            *extra_routes,
            *(make_pages(service) if make_pages is not None else ()),
            Route("/", _home(service)),
            Route("/tap", _home(service)),
            *health_routes(service),
            *metrics_routes(service, metrics),
            *sync_routes(service),
            *job_list_routes(service, jobs),
            *JobRoutes(service, jobs).routes(),
            *job_document_routes(service, jobs),
            *vosi_routes(service),
            *cone_search_routes(service),
            *datalink_routes(service, cutter),
        ],
        middleware=[
            Middleware(Hosts, names=(*hosts, *host_of(public_url))),
            Middleware(CrossOrigin, base=service.base, exposed=_EXPOSED),
            Middleware(FormFiles),
            Middleware(
                Bodies,
                in_all=limits.bodies_bytes,
                an_address=limits.bodies_bytes_an_address,
                client=lambda request: service.client(request).address,
            ),
        ],
        exception_handlers={
            CatalogError: on_catalog_error,
            psycopg.Error: on_database_error,
            HTTPException: on_http_error,
            Exception: on_any_error,
        },
        lifespan=_lifespan(service, jobs),
    )
    app.state.request_log = partial(RequestLog, observe=metrics.observe, believes_proxy=bool(public_url))
    return app


def server_config(
    app: Starlette, host: str, port: int, connections: ConnectionLimits | None = None
) -> uvicorn.Config:
    """Make settings for `uvicorn.Server`: HTTP alone, and a client's word on its own address is not believed.

    Args:
        app: The application that `make_app` gave.
        host: The address to listen on.
        port: The port to listen on.
        connections: The bounds of connections; None for the usual ones.
    """
    return uvicorn.Config(
        app.state.request_log(app),
        host,
        port,
        http=bounded_protocol(connections or ConnectionLimits()),
        ws="none",
        proxy_headers=False,
        server_header=False,
        headers=[("Server", f"galcat/{version('galcat')}")],
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=_GOODBYE_S,
    )


def _home(service: Service) -> Callable[[Request], Response]:
    def home(request: Request) -> Response:
        return RedirectResponse(service.base(request) + "/tap/capabilities", 303)

    return home


def _lifespan(service: Service, jobs: JobParts) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        await run_sync(_open, service, jobs)
        try:
            yield
        finally:
            await run_sync(_close, service, jobs)

    return life


def _open(service: Service, jobs: JobParts) -> None:
    service.spool.mkdir(parents=True, exist_ok=True)
    service.connections.open()
    service.log.open()
    jobs.open()


def _close(service: Service, jobs: JobParts) -> None:
    for query in list(service.running):
        query.stop("the service is being stopped")
    jobs.close()
    service.log.close()
    service.connections.close()
