"""The routes of what tools ask before anything else: capabilities, availability, tables and examples."""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalog.formats.xml import HEAD, XML, element, iso, text
from catalog.tap.database.connections import read_snapshot
from catalog.tap.middleware.compression import accepts_gzip, gzip_pieces
from catalog.tap.parameters import read_parameters
from catalog.tap.service import Service
from catalog.tap.vosi.capabilities import write_capabilities
from catalog.tap.vosi.examples import ExamplesPage
from catalog.tap.vosi.tables import add_esa_flags, write_table, write_tables

_SECONDS = 20.0
_XHTML = "application/xhtml+xml"
_WORTH_PACKING_BYTES = 4_096


def vosi_routes(service: Service) -> list[Route]:
    """Make the routes below /tap."""
    up_since = datetime.now(UTC)
    examples_page = ExamplesPage()

    async def capabilities(request: Request) -> Response:
        return _document_response(request, write_capabilities(service.base(request), service.limits))

    async def availability(request: Request) -> Response:
        return _document_response(request, await run_sync(_write_availability, service, up_since))

    async def tables(request: Request) -> Response:
        parameters = await read_parameters(request, service.limits)
        with_columns = parameters.choice("DETAIL", ("min", "max")) != "min"

        def write(connection: psycopg.Connection) -> bytes:
            return write_tables(connection, with_columns=with_columns)

        document = await run_sync(_read, service, write)
        # astroquery's TapPlus is the one client that does not say what it is.
        is_named = bool(request.headers.get("user-agent"))
        return _document_response(request, document if is_named else add_esa_flags(document))

    async def table(request: Request) -> Response:
        def write(connection: psycopg.Connection) -> bytes:
            return write_table(connection, request.path_params["name"])

        return _document_response(request, await run_sync(_read, service, write))

    def examples(request: Request) -> Response:
        with service.connections.reader() as connection, read_snapshot(connection, _SECONDS):
            return Response(examples_page(connection, service.base(request)), media_type=_XHTML)

    return [
        Route("/tap/capabilities", capabilities),
        Route("/tap/availability", availability),
        Route("/tap/tables", tables),
        Route("/tap/tables/{name}", table),
        Route("/tap/examples", examples),
    ]


def _read(service: Service, write: Callable[[psycopg.Connection], bytes]) -> bytes:
    with service.connections.reader() as connection, read_snapshot(connection, _SECONDS):
        return write(connection)


def _write_availability(service: Service, up_since: datetime) -> bytes:
    note = ""
    try:
        _read(service, lambda connection: write_table(connection, "tap_schema.schemas"))
    except psycopg.Error:
        note = "the database cannot answer now"
    return (
        HEAD
        + element(
            "vosi:availability",
            text("vosi:available", "false" if note else "true"),
            text("vosi:upSince", iso(up_since)),
            text("vosi:note", note),
            given={"xmlns:vosi": "http://www.ivoa.net/xml/VOSIAvailability/v1.0"},
        )
    ).encode()


def _document_response(request: Request, body: bytes) -> Response:
    headers = {"Vary": "Accept-Encoding, User-Agent"}
    if accepts_gzip(request) and len(body) > _WORTH_PACKING_BYTES:
        headers["Content-Encoding"] = "gzip"
        body = b"".join(gzip_pieces(iter([body])))
    return Response(body, headers=headers, media_type=XML)
