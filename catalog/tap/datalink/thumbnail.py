"""Small pictures of galaxies over HTTP."""

import hashlib
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import UnknownObjectError
from catalog.search.thumbnails import read_thumbnails
from catalog.tap.datalink.galaxy_files import parse_object_id
from catalog.tap.errors import NotFoundError
from catalog.tap.service import Service

JPEG = "image/jpeg"
_KEPT_S = 86_400


def thumbnail_endpoint(service: Service) -> Callable[[Request], Response]:
    """Make an endpoint for a path with `object_id`; it serves galaxies that are not shown any more too."""

    def endpoint(request: Request) -> Response:
        text = request.path_params["object_id"]
        try:
            jpeg = _read_jpeg(service, text)
        except NotFoundError as error:
            return Response(f"{error}\n", 404, media_type="text/plain")
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
