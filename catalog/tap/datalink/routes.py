"""DataLink 1.1 over HTTP: what there is of a galaxy beside its row, and where."""

from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import parse_qsl

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalog.errors import CatalogError
from catalog.formats.choose import VOTABLE
from catalog.formats.votable.document import votable_error
from catalog.formats.xml import XML
from catalog.tap.datalink.cutout import Cutter
from catalog.tap.datalink.cutout_response import cutout_endpoint
from catalog.tap.datalink.galaxy_files import load_galaxy_files, parse_object_id
from catalog.tap.datalink.links import DATALINK, LinkRequest, write_links
from catalog.tap.datalink.request_log import log_request
from catalog.tap.datalink.thumbnail import thumbnail_endpoint
from catalog.tap.errors import UsageError, http_status
from catalog.tap.parameters import RequestParameters, read_parameters
from catalog.tap.service import Service

MAX_IDS = 500
"""In one answer; further ones are left out, and the answer says so."""
_MAX_BYTES = 2_000_000
_FORMATS = ("votable", VOTABLE, XML)


def datalink_routes(service: Service, cutter: Cutter | None) -> list[Route]:
    """Make the routes below /datalink.

    Args:
        service: The service whose galaxies are linked.
        cutter: Makes cutouts; None where this machine makes none, and the service offers none.
    """
    routes = [
        Route("/datalink/links", _links_endpoint(service, cutter), methods=["GET", "POST"]),
        Route("/datalink/thumbnail/{object_id}.jpg", thumbnail_endpoint(service)),
    ]
    if cutter is not None:
        cutout = cutout_endpoint(service, cutter)
        routes.append(Route("/datalink/cutout", cutout, methods=["GET", "POST"]))
    return routes


def _links_endpoint(service: Service, cutter: Cutter | None) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        async with log_request(service, request, "datalink") as note:
            try:
                parameters = await _read_parameters(request, service)
                _require_format(parameters)
            except CatalogError as error:
                note.error = str(error)
                return Response(
                    votable_error(f"UsageFault: {error}"), http_status(error), media_type=DATALINK
                )
            names = list(dict.fromkeys(parameters.values.get("ID", ())))
            note.query = " ".join(names[:MAX_IDS])
            link_requests = await run_sync(_look_up, service, cutter, names[:MAX_IDS])
            note.rows = len(link_requests)
            content = write_links(link_requests, service.base(request), is_cut=len(names) > MAX_IDS)
            return Response(content, media_type=DATALINK)

    return endpoint


async def _read_parameters(request: Request, service: Service) -> RequestParameters:
    """Read parameters as elsewhere, but also forms of thousands of IDs, which pyvo sends.

    Raises:
        UsageError: The request is too long or broken.
    """
    if not request.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        return await read_parameters(request, service.limits)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BYTES:
            raise UsageError(f"the request is longer than {_MAX_BYTES:,} bytes")
    values: dict[str, list[str]] = {}
    for name, value in _pairs(request, body):
        values.setdefault(name.upper(), []).append(value)
    return RequestParameters({name: tuple(given) for name, given in values.items()})


def _pairs(request: Request, body: bytes) -> Iterable[tuple[str, str]]:
    yield from request.query_params.multi_items()
    yield from parse_qsl(body.decode(errors="replace"))


def _require_format(parameters: RequestParameters) -> None:
    """VOTable is what there is; its parameters do not count (DataLink 1.1, section 2.1.2)."""
    text = parameters.one("RESPONSEFORMAT") or _FORMATS[0]
    if text.split(";")[0].strip().lower() not in _FORMATS:
        raise UsageError(f"RESPONSEFORMAT is {text[:50]!r}: links come as votable")


def _look_up(service: Service, cutter: Cutter | None, names: list[str]) -> list[LinkRequest]:
    object_ids = {name: parse_object_id(name) for name in names}
    with service.connections.writer() as writer:
        known = load_galaxy_files(writer, [number for number in object_ids.values() if number is not None])
    link_requests = []
    for name, number in object_ids.items():
        galaxy = None if number is None else known.get(number)
        is_cuttable = cutter is not None and galaxy is not None and cutter.has_files(galaxy)
        link_requests.append(LinkRequest(name, galaxy, is_cuttable))
    return link_requests
