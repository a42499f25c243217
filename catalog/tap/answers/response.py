"""An answer over HTTP: sent as it comes, cancelled in Postgres when the client leaves or its time is over."""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import anyio
from anyio.abc import TaskGroup
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from catalog.errors import CatalogError
from catalog.tap.answers.answer_stream import AnswerStream
from catalog.tap.answers.sender import ClientStalledError, Sender
from catalog.tap.database.postgres_errors import timeout_message
from catalog.tap.database.query_log import LoggedQuery
from catalog.tap.error_response import error_response
from catalog.tap.errors import INTERNAL_MESSAGE, InternalError
from catalog.tap.middleware.compression import accepts_gzip, gzip_pieces
from catalog.tap.queries.run_query import QueryRequest
from catalog.tap.service import Service

OVERFLOW_HEADER = "X-Galcat-Overflow"

_log = logging.getLogger(__name__)

_LOGGED_CHARACTERS = 1_000
_MIN_BYTES = 65_536
_GRACE_S = 10.0
"""After its time is over, for a client that reads too slowly to be told so."""


class AnswerResponse(Response):
    """The answer to a query; all happens while it is sent.

    Args:
        service: The service that answers.
        request: The HTTP request that is answered.
        query_request: The query that was asked, for the log.
        answer: The answer, which has not begun.
        interface: The name of the interface in the log: sync, scs, datalink or cutout.
        on_error: Makes the response to an error that comes before the first byte is sent.
    """

    def __init__(
        self,
        service: Service,
        request: Request,
        query_request: QueryRequest,
        answer: AnswerStream,
        interface: str,
        on_error: Callable[[CatalogError], Response] = error_response,
    ) -> None:
        self._service = service
        self._request = request
        self._query_request = query_request
        self._answer = answer
        self._interface = interface
        self._on_error = on_error
        self._is_begun = False
        self._has_left = False
        self._phase = "ABORTED"
        self._error: str | None = None
        self._broken: Exception | None = None
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; returns when all is sent, or the client has left."""
        asked_at, began = datetime.now(UTC), time.monotonic()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._watch, receive, tasks.cancel_scope)
                await self._respond(tasks, scope, receive, send)
                tasks.cancel_scope.cancel()
        finally:
            self._service.log.add(self._make_log_row(asked_at, time.monotonic() - began))
        if self._broken is not None:
            raise self._broken

    async def _respond(self, tasks: TaskGroup, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with self._service.throttle.slot(self._address()):
                tasks.start_soon(self._time_out, tasks.cancel_scope)
                self._service.running.add(self._answer.query)
                try:
                    await self._send(send)
                finally:
                    self._service.running.discard(self._answer.query)
                    with anyio.CancelScope(shield=True):
                        await run_sync(self._answer.close)
        except CatalogError as error:
            await self._fail(error, scope, receive, send)
        except Exception:  # noqa: BLE001 - the client is told that it was our fault
            _log.exception("a query failed by our fault: %s", self._query_request.text[:_LOGGED_CHARACTERS])
            await self._fail(InternalError(INTERNAL_MESSAGE), scope, receive, send)

    async def _fail(self, error: CatalogError, scope: Scope, receive: Receive, send: Send) -> None:
        self._has_left = self._has_left or isinstance(error, ClientStalledError)
        self._phase, self._error = "ABORTED" if self._has_left else "ERROR", str(error)
        if self._has_left:
            return
        if self._is_begun:
            self._broken = RuntimeError(f"an answer broke off: {error}")
        else:
            await self._on_error(error)(scope, receive, send)

    async def _send(self, send: Send) -> None:
        zips = accepts_gzip(self._request)
        pieces = self._answer.pieces(is_live=True)
        packed = gzip_pieces(pieces) if zips else pieces
        body, is_last = await run_sync(_gather, packed)
        self._is_begun = True
        headers = self._start_headers(len(body) if is_last else None, is_zipped=zips)
        sender = Sender(send, self._service.limits.unread_seconds)
        await sender.start(headers)
        await sender.body(body, is_last=is_last)
        while not is_last:
            body, is_last = await run_sync(_gather, packed)
            await sender.body(body, is_last=is_last)
        self._phase = "ABORTED" if self._has_left else "ERROR" if self._answer.error else "COMPLETED"
        self._error = self._answer.error or None

    def _start_headers(self, length: int | None, *, is_zipped: bool) -> list[tuple[bytes, bytes]]:
        """`length` where the whole answer is there already."""
        form, headers = self._answer.form, {"Vary": "Accept-Encoding"}
        headers["Content-Type"] = form.content_type
        if is_zipped:
            headers["Content-Encoding"] = "gzip"
        if length is not None:
            headers["Content-Length"] = str(length)
        if length is not None or not (form.flags_cut and form.is_streamed):
            headers[OVERFLOW_HEADER] = str(self._answer.query.is_cut).lower()
        return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]

    async def _watch(self, receive: Receive, scope: anyio.CancelScope) -> None:
        """Cancel all when the client leaves."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._has_left = True
        await run_sync(self._answer.query.stop, "the client left")
        scope.cancel()

    async def _time_out(self, scope: anyio.CancelScope) -> None:
        seconds = self._answer.query.seconds
        await anyio.sleep(seconds)
        await run_sync(self._answer.query.stop, timeout_message(seconds))
        await anyio.sleep(_GRACE_S)
        scope.cancel()

    def _address(self) -> str:
        return self._service.client(self._request).address

    def _make_log_row(self, asked_at: datetime, seconds: float) -> LoggedQuery:
        client = self._service.client(self._request)
        return LoggedQuery(
            asked_at=asked_at,
            ended_at=datetime.now(UTC),
            address=client.address,
            interface=self._interface,
            language=self._query_request.language,
            query=self._query_request.text,
            phase=self._phase,
            rows=self._answer.query.count,
            seconds=seconds,
            error=self._error,
            job_id=None,
            user_agent=client.user_agent,
        )


def _gather(pieces: Iterator[bytes]) -> tuple[bytes, bool]:
    """Gather as many pieces as are worth sending, and tell whether they were the last."""
    parts: list[bytes] = []
    size = 0
    for piece in pieces:
        parts.append(piece)
        size += len(piece)
        if size >= _MIN_BYTES:
            return b"".join(parts), False
    return b"".join(parts), True
