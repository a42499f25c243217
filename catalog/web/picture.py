"""A picture that somebody drops on the page: read once, turned into a vector, and not kept."""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from anyio.to_thread import run_sync
from numpy.typing import NDArray
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from catalog.errors import CatalogError
from catalog.tap.errors import INTERNAL_MESSAGE, UsageError, http_status
from catalog.tap.limits import ServiceLimits
from catalog.tap.parameters import read_parameters
from catalog.tap.service import Service
from catalog.tap.throttle import Refusals, Throttle
from catalog.web.pages import HEADERS, error_page
from catalog.web.parts import PageParts
from catalog.web.selection import Selection

MAX_PIXELS = 40_000_000
_KINDS = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png"}
_MAX_WAITING, _PATIENCE_S = 8, 60.0
_log = logging.getLogger(__name__)


def picture_routes(service: Service, parts: PageParts) -> list[Route]:
    """Make the route that takes a picture and gives the address of galaxies like it."""
    refusals = Refusals(
        "many pictures are waiting to be read", "", "no picture could be read for {seconds:g} s"
    )
    throttle = Throttle(1, _MAX_WAITING, seconds=_PATIENCE_S, refusals=refusals)

    async def take(request: Request) -> Response:
        wants_json = "application/json" in request.headers.get("accept", "")
        try:
            address = await _find_address(request, service, parts, throttle)
        except CatalogError as error:
            if wants_json:
                return JSONResponse({"error": str(error)}, http_status(error), HEADERS)
            return error_page(request, error)
        if wants_json:
            return JSONResponse({"address": address}, headers=HEADERS)
        return RedirectResponse(address, 303, HEADERS)

    return [Route("/page/picture", take, methods=["POST"])]


async def _find_address(request: Request, service: Service, parts: PageParts, throttle: Throttle) -> str:
    if parts.encode_picture is None:
        raise UsageError("this service cannot read pictures: it runs without the encoder of the release")
    parameters = await read_parameters(request, service.limits)
    file = parameters.files.get("file")
    if file is None:
        raise UsageError("no picture came: choose a JPEG or PNG")
    content = await _read(file, service.limits)
    async with throttle.slot(service.client(request).address):
        vector = await run_sync(_encode, parts.encode_picture, content)
    return "/" + Selection(vector=tuple(float(number) for number in vector)).query()


async def _read(file: UploadFile, limits: ServiceLimits) -> bytes:
    content = await file.read(limits.upload_bytes + 1)
    if len(content) > limits.upload_bytes:
        raise UsageError(f"the picture is larger than {limits.upload_bytes:,} bytes")
    return content


def _encode(encode: Callable[[Path], NDArray[np.float32]], content: bytes) -> NDArray[np.float32]:
    """Look at the head of the file before all of it is decoded: a small file can hold a huge picture."""
    ending = next((ending for begin, ending in _KINDS.items() if content.startswith(begin)), None)
    if ending is None:
        raise UsageError("that is no JPEG or PNG")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"picture{ending}"
        path.write_bytes(content)
        _require_small(path)
        try:
            return encode(path)
        except CatalogError:
            raise
        except Exception as error:
            _log.exception("a picture could not be encoded")
            raise UsageError(_reason(error, path)) from error


def _require_small(path: Path) -> None:
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only where a picture comes

    try:
        with Image.open(path) as picture:
            width, height = picture.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise UsageError(f"the picture cannot be read: {_reason(error, path)}") from error
    if width * height > MAX_PIXELS:
        raise UsageError(f"the picture has {width} x {height} pixels: at most {MAX_PIXELS:,}")


def _reason(error: Exception, path: Path) -> str:
    """The error in a line, without the path that nobody outside knows."""
    lines = str(error).replace(str(path), "the picture").strip().splitlines()
    return lines[0] if lines else INTERNAL_MESSAGE
