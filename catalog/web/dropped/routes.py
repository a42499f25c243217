"""The route that takes a dropped file, whatever it is, and gives the address of what it shows."""

from anyio.to_thread import run_sync
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from catalog.constants import NEAR_ARCSEC
from catalog.errors import CatalogError
from catalog.tap.errors import UsageError, http_status
from catalog.tap.limits import ServiceLimits
from catalog.tap.parameters import RequestParameters, read_parameters
from catalog.tap.service import Service
from catalog.tap.throttle import Refusals, Throttle
from catalog.web.dropped.picture import encode_content, is_picture
from catalog.web.dropped.position_list import match_list
from catalog.web.page_services import PageServices
from catalog.web.pages import HEADERS, error_page
from catalog.web.selection import Selection, read_number

_MAX_WAITING, _MAX_WAITING_AN_ADDRESS, _PATIENCE_S = 8, 3, 60.0


def dropped_routes(service: Service, parts: PageServices) -> list[Route]:
    """Make the route that takes a picture or a list; `/page/picture` is its older name."""
    refusals = Refusals("many files are waiting to be read", "", "no file could be read for {seconds:g} s")
    throttle = Throttle(1, _MAX_WAITING, None, _MAX_WAITING_AN_ADDRESS, _PATIENCE_S, refusals)

    async def take(request: Request) -> Response:
        wants_json = "application/json" in request.headers.get("accept", "")
        try:
            parameters = await read_parameters(request, service.limits)
            async with throttle.slot(service.client(request).address):
                selection = await _understand(service, parts, parameters)
        except CatalogError as error:
            if wants_json:
                return JSONResponse({"error": str(error)}, http_status(error), HEADERS)
            return error_page(request, error)
        address = "/" + selection.query()
        if wants_json:
            return JSONResponse({"address": address}, headers=HEADERS)
        return RedirectResponse(address, 303, HEADERS)

    return [Route(path, take, methods=["POST"]) for path in ("/page/drop", "/page/picture")]


async def _understand(service: Service, parts: PageServices, parameters: RequestParameters) -> Selection:
    file = parameters.files.get("file")
    if file is None or not file.filename:
        raise UsageError("no file came: choose a picture (JPEG or PNG) or a list of positions")
    content = await _read(file, service.limits)
    if is_picture(content):
        if parts.encode_picture is None:
            raise UsageError("this service cannot read pictures: it runs without the encoder of the release")
        vector = await run_sync(encode_content, parts.encode_picture, content)
        return Selection(vector=tuple(float(number) for number in vector))
    radius = read_number("radius_arcsec", parameters.short("RADIUS_ARCSEC") or str(NEAR_ARCSEC))
    return await run_sync(_match, service, content, file.filename, radius)


def _match(service: Service, content: bytes, filename: str, radius_arcsec: float) -> Selection:
    with service.connections.writer() as writer:
        return match_list(writer, content, filename, radius_arcsec)


async def _read(file: UploadFile, limits: ServiceLimits) -> bytes:
    content = await file.read(limits.upload_bytes + 1)
    if len(content) > limits.upload_bytes:
        raise UsageError(f"the file is larger than {limits.upload_bytes:,} bytes")
    return content
