"""Gives every request an identifier, which its answer and all that is logged of it carry, and measures it."""

import logging
import re
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
NO_REQUEST = "-"
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_request_id: ContextVar[str] = ContextVar("request_id", default=NO_REQUEST)
_log = logging.getLogger("galcat.requests")


def request_id() -> str:
    """Identifier of the request that is answered here; a dash where none is."""
    return _request_id.get()


class RequestLog:
    """Application around all others: also what the outermost of them makes of an error has an identifier.

    Args:
        app: The application that answers.
        observe: Called with path, status and seconds of every request when it has been answered.
        believes_proxy: Whether an identifier that the request brings is taken over: where a proxy stands
            before the service, whose log has it too.
    """

    def __init__(
        self, app: ASGIApp, observe: Callable[[str, int, float], None], *, believes_proxy: bool
    ) -> None:
        self._app = app
        self._observe = observe
        self._believes_proxy = believes_proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and say so in one line at the level INFO."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = self._find_id(scope)
        token = _request_id.set(identity)
        began, status = time.monotonic(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), (HEADER, identity.encode())]}
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            seconds = time.monotonic() - began
            self._observe(scope["path"], status, seconds)
            facts = {"method": scope["method"], "path": scope["path"], "status": status, "seconds": seconds}
            _log.info("%(method)s %(path)s %(status)d %(seconds).3f s", facts, extra={"facts": facts})
            _request_id.reset(token)

    def _find_id(self, scope: Scope) -> str:
        if self._believes_proxy:
            for name, value in scope["headers"]:
                if name == HEADER and _GIVEN.fullmatch(value):
                    return str(value.decode())
        return secrets.token_hex(8)
