"""Small pictures of galaxies over HTTP."""

import hashlib
from collections.abc import Awaitable, Callable

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import UnknownObjectError
from catalog.search.thumbnails import read_thumbnails
from catalog.tap.datalink.galaxy_files import parse_object_id
from catalog.tap.errors import BusyError, NotFoundError
from catalog.tap.service import Service
from catalog.tap.throttle import Refusals, Throttle

JPEG = "image/jpeg"
_KEPT_S = 86_400
_RETRY_S = 2
"""Pictures are read in milliseconds, so that a queue of them is soon gone."""


def thumbnail_endpoint(service: Service) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint for a path with `object_id`; it serves galaxies that are not shown any more too."""
    limits = service.limits
    throttle = Throttle(
        limits.pictures_at_once,
        limits.pictures_waiting,
        limits.pictures_at_once_an_address,
        limits.pictures_waiting_an_address,
        limits.queue_seconds,
        Refusals(
            line_full="{n} pictures are waiting already",
            address_full="{n} pictures for your address are waiting already",
            timed_out="no picture could be read for {seconds:g} s",
        ),
    )

    async def endpoint(request: Request) -> Response:
        text = request.path_params["object_id"]
        try:
            async with throttle.slot(service.client(request).address):
                jpeg = await run_sync(_read_jpeg, service, text)
        except NotFoundError as error:
            return Response(f"{error}\n", 404, media_type="text/plain")
        except BusyError as error:
            headers = {"Retry-After": str(_RETRY_S)}
            return Response(f"{error}\n", 503, headers, "text/plain")
        tag = f'"{hashlib.blake2b(jpeg, digest_size=12).hexdigest()}"'
        headers = {"ETag": tag, "Cache-Control": f"public, max-age={_KEPT_S}"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(jpeg, headers=headers, media_type=JPEG)

    return endpoint


def _read_jpeg(service: Service, text: str) -> bytes:
    object_id = parse_object_id(text)
    if object_id is None:
        raise NotFoundError(f"{text[:50]!r} is no object_id")
    try:
        with service.connections.writer() as writer:
            return read_thumbnails(writer, [object_id])[object_id]
    except UnknownObjectError as error:
        raise NotFoundError(str(error)) from error
