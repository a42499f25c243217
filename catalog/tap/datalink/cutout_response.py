"""Cutouts over HTTP: a FITS file, or SODA 1.0's one line of text that says why there is none."""

import hashlib
from collections.abc import Awaitable, Callable

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import CatalogError, ServerError
from catalog.tap.datalink.cutout import (
    CutoutRequest,
    Cutter,
    NoPixelsError,
    SeveralValuesError,
    choose_bands,
    choose_circle,
    parse_cutout_request,
)
from catalog.tap.datalink.galaxy_files import load_galaxy_files
from catalog.tap.datalink.request_log import log_request
from catalog.tap.errors import BusyError, NotFoundError, http_status
from catalog.tap.parameters import read_parameters
from catalog.tap.service import Service
from catalog.tap.throttle import Refusals, Throttle

FITS = "application/fits"
_MAX_WAITING = 20
_MAX_WAITING_AN_ADDRESS = 6
_KEPT_S = 3600


def cutout_endpoint(service: Service, cutter: Cutter) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint for GET and POST of ID, CIRCLE or POS, and BAND; it makes one cutout at a time."""
    refusals = Refusals(
        line_full="{n} cutouts are waiting to be made",
        address_full="{n} cutouts of your address are waiting to be made",
        timed_out="no cutout could be begun for {seconds:g} s",
    )
    throttle = Throttle(
        1,
        _MAX_WAITING,
        max_waiting_each=_MAX_WAITING_AN_ADDRESS,
        seconds=service.limits.queue_seconds,
        refusals=refusals,
    )

    async def endpoint(request: Request) -> Response:
        async with log_request(service, request, "cutout") as note:
            try:
                cutout = parse_cutout_request(await read_parameters(request, service.limits))
                note.query = str(cutout)
                async with throttle.slot(service.client(request).address):
                    content = await run_sync(_cut, service, cutter, cutout)
            except CatalogError as error:
                note.error = str(error)
                return _refusal_response(error)
            note.rows = 1
            return _file_response(request, cutout.object_id, content)

    return endpoint


def _cut(service: Service, cutter: Cutter, cutout: CutoutRequest) -> bytes:
    with service.connections.writer() as writer:
        galaxy = load_galaxy_files(writer, [cutout.object_id]).get(cutout.object_id)
    if galaxy is None:
        raise NotFoundError(f"no galaxy has object_id {cutout.object_id}")
    return cutter.cut(galaxy, choose_circle(cutout, galaxy), choose_bands(cutout, galaxy))


def _file_response(request: Request, object_id: int, content: bytes) -> Response:
    tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": f"public, max-age={_KEPT_S}"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="galaxy_{object_id}.fits"'
    return Response(content, headers=headers, media_type=FITS)


def _refusal_response(error: CatalogError) -> Response:
    """SODA 1.0, sections 5.1 and 5.2: no pixels are no error and have no text."""
    if isinstance(error, NoPixelsError):
        return Response(status_code=204)
    label = "UsageError"
    if isinstance(error, SeveralValuesError):
        label = "MultiValuedParamNotSupported"
    elif isinstance(error, BusyError):
        label = "ServiceUnavailable"
    elif isinstance(error, ServerError):
        label = "Error"
    headers = {"Retry-After": str(error.retry_seconds)} if isinstance(error, BusyError) else None
    return Response(f"{label}: {error}\n", http_status(error), headers, "text/plain")
