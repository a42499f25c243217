"""One budget for the bodies of all requests: what their clients have sent and the service still holds."""

import threading
from collections import Counter
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalog.tap.errors import BusyError
from catalog.tap.middleware.client import find_network


class Bodies:
    """Middleware that counts the bytes of bodies until their requests are answered, and refuses too many.

    A form whose end does not come is held as long as a client may take for it; a thousand of them must not
    fill the memory or the disk.

    Args:
        app: The application that reads the bodies.
        in_all: How many bytes all of them may have together.
        an_address: How many of these may be of one client.
        client: Gives the address of the client of a request.
    """

    def __init__(self, app: ASGIApp, in_all: int, an_address: int, client: Callable[[Request], str]) -> None:
        self._app = app
        self._in_all = in_all
        self._an_address = an_address
        self._client = client
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what reads the body raises BusyError where there is no room for more of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address, held = find_network(self._client(Request(scope))), 0

        async def receive_counted() -> Message:
            nonlocal held
            message = await receive()
            size = len(message.get("body", b""))
            self._take(address, size)
            held += size
            return message

        try:
            await self._app(scope, receive_counted, send)
        finally:
            self._give_back(address, held)

    def _take(self, address: str, size: int) -> None:
        with self._lock:
            if self._held[address] + size > self._an_address:
                raise BusyError(
                    f"requests of your address hold {self._an_address // 1_000_000:,} MB already: try again "
                    "when they are answered"
                )
            if self._held.total() + size > self._in_all:
                raise BusyError("requests hold all the memory that there is for them: try again later")
            self._held[address] += size

    def _give_back(self, address: str, size: int) -> None:
        with self._lock:
            self._held[address] -= size
            if self._held[address] <= 0:
                del self._held[address]
