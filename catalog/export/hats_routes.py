"""Finished HATS exports over HTTP at /hats/NAME/: whole files or ranges of them, as LSDB asks for them."""

from pathlib import Path

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from catalog.errors import CatalogError
from catalog.export.byte_range import RangeError, parse_range
from catalog.export.hats_parts import OpenPart, list_exports, open_part
from catalog.tap.answers.sender import ClientStalledError, Sender
from catalog.tap.errors import BusyError, NotFoundError, http_status
from catalog.tap.service import Service
from catalog.tap.throttle import Refusals, Throttle

PARQUET = "application/vnd.apache.parquet"
_TYPES = {".properties": "text/plain; charset=utf-8", ".csv": "text/csv; charset=utf-8"}
_PIECE_BYTES = 262_144


def hats_routes(service: Service, folder: Path) -> list[Route]:
    """Make the routes below /hats: a list of the exports, and their files.

    Args:
        service: The service whose limits count.
        folder: Folder that holds exports as `galcat export hats` makes them; it need not be there.
    """
    limits = service.limits
    throttle = Throttle(
        limits.hats_at_once,
        limits.hats_waiting,
        limits.hats_at_once_an_address,
        limits.hats_waiting_an_address,
        limits.queue_seconds,
        Refusals(
            line_full="{n} requests for files of HATS are waiting already",
            address_full="{n} requests for files of HATS of your address are waiting already",
            timed_out="no file of HATS could be sent for {seconds:g} s",
        ),
    )

    async def show_list(request: Request) -> Response:
        names = await run_sync(list_exports, folder)
        base = service.base(request)
        return PlainTextResponse("".join(f"{base}/hats/{name}/\n" for name in names))

    async def send_part(request: Request) -> Response:
        return _PartResponse(service, request, folder, throttle)

    return [
        Route("/hats", show_list, methods=["GET"]),
        Route("/hats/", show_list, methods=["GET"]),
        Route("/hats/{name}/{path:path}", send_part, methods=["GET"]),
    ]


class _PartResponse(Response):
    """A file of an export, which is opened and read while it is sent.

    Args:
        service: The service that answers.
        request: The request that is answered; `name` and `path` are its parameters.
        folder: Folder that holds the exports.
        throttle: Bounds how many files are sent at once.
    """

    def __init__(self, service: Service, request: Request, folder: Path, throttle: Throttle) -> None:
        self._service = service
        self._request = request
        self._folder = folder
        self._throttle = throttle
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; returns when all is sent, or the client has left."""
        try:
            async with self._throttle.slot(self._service.client(self._request).address):
                await self._respond(scope, receive, send)
        except ClientStalledError:
            return
        except CatalogError as error:
            headers = {"Retry-After": str(error.retry_seconds)} if isinstance(error, BusyError) else None
            refusal = PlainTextResponse(f"{error}\n", http_status(error), headers)
            await refusal(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        name, path = self._request.path_params["name"], self._request.path_params["path"]
        opening = open_part(self._folder, name, path)
        part = await run_sync(opening.__enter__)
        try:
            if part is None:
                raise NotFoundError(f"no export has a file {f'{name}/{path}'[:100]!r}")
            await self._send(part, path, scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await run_sync(opening.__exit__, None, None, None)

    async def _send(self, part: OpenPart, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._request.headers
        headers = {"ETag": part.tag, "Accept-Ranges": "bytes", "Cache-Control": "no-cache"}
        if part.tag in _tags(asked.get("if-none-match")):
            await Response(status_code=304, headers=headers)(scope, receive, send)
            return
        # What a client has of another version must not be joined with this one.
        is_same = asked.get("if-range", part.tag) == part.tag
        try:
            found = parse_range(asked.get("range"), part.size) if is_same else None
        except RangeError:
            beyond = {**headers, "Content-Range": f"bytes */{part.size}"}
            await PlainTextResponse("", 416, beyond)(scope, receive, send)
            return
        first, end = found or (0, part.size)
        headers["Content-Type"] = _TYPES.get(Path(path).suffix, PARQUET)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Content-Length"] = str(end - first)
        if found is not None:
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{part.size}"
        sender = Sender(send, self._service.limits.unread_seconds)
        raw = [(key.lower().encode(), value.encode("latin-1")) for key, value in headers.items()]
        await sender.start(raw, 206 if found is not None else 200)
        if scope["method"] == "HEAD" or first == end:
            await sender.body(b"", is_last=True)
            return
        await run_sync(part.file.seek, first)
        while first < end and not await self._request.is_disconnected():
            piece = await run_sync(part.file.read, min(_PIECE_BYTES, end - first))
            if not piece:
                raise OSError(f"{self._folder}: {path} became shorter while it was sent")
            first += len(piece)
            await sender.body(piece, is_last=first == end)


def _tags(text: str | None) -> set[str]:
    """The tags of an If-None-Match header, which compares weakly."""
    return {tag.strip().removeprefix("W/") for tag in (text or "").split(",")}
