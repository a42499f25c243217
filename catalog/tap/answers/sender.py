"""Sends bytes to a client that may not read them."""

import anyio
from starlette.types import Message, Send

from catalog.errors import CatalogError

_MAX_BYTES = 131_072
"""Passed on at once: who reads slowly is told from who does not read."""


class ClientStalledError(CatalogError):
    """The client does not read its answer."""


class Sender:
    """The connection to one client.

    Args:
        send: ASGI's `send`, which waits while too much of what was sent lies unread.
        seconds: How long it may wait before the client is taken to have left.
    """

    def __init__(self, send: Send, seconds: float) -> None:
        self._send = send
        self._seconds = seconds

    async def start(self, headers: list[tuple[bytes, bytes]], status: int = 200) -> None:
        """Send the head of an answer.

        Raises:
            ClientStalledError: The client took nothing for too long.
        """
        await self._pass({"type": "http.response.start", "status": status, "headers": headers})

    async def body(self, body: bytes, *, is_last: bool) -> None:
        """Send a part of the answer.

        Raises:
            ClientStalledError: The same as `start` raises.
        """
        for at in range(0, max(1, len(body)), _MAX_BYTES):
            part, more = body[at : at + _MAX_BYTES], not is_last or at + _MAX_BYTES < len(body)
            await self._pass({"type": "http.response.body", "body": part, "more_body": more})

    async def _pass(self, message: Message) -> None:
        try:
            with anyio.fail_after(self._seconds):
                await self._send(message)
        except TimeoutError:
            raise ClientStalledError(f"the client took nothing for {self._seconds:g} s") from None
