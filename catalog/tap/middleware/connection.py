"""Connections of clients, bounded: how many an address may have, how large and how late a head may be."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_BUSY = 503
_RETRY_S = 2


@dataclass(frozen=True)
class ConnectionLimits:
    """The bounds of connections.

    Attributes:
        an_address: How many connections one address may have at once; None behind a proxy, whose address is
            that of all. A browser holds six, and a classroom has one address; less than half of all, so that
            two addresses leave some to a third.
        in_all: How many connections there may be at once.
        head_seconds: How long a client may take for the head of a request: from the first byte that is due to
            the end of the last header.
        head_bytes: How long the head may be, in bytes; the URL of a GET may hold a whole query.
    """

    an_address: int | None = 400
    in_all: int = 1_000
    head_seconds: float = 20.0
    head_bytes: int = 700_000


@dataclass
class ConnectionCount:
    """How many connections each address has."""

    limits: ConnectionLimits
    of_address: Counter[str] = field(default_factory=Counter)

    def take(self, address: str) -> bool:
        """Count one more; False where there are too many."""
        each = self.limits.an_address
        if self.of_address.total() >= self.limits.in_all or (
            each is not None and self.of_address[address] >= each
        ):
            return False
        self.of_address[address] += 1
        return True

    def give_back(self, address: str) -> None:
        """Count one connection of the address less, for it was closed."""
        self.of_address[address] -= 1
        if self.of_address[address] <= 0:
            del self.of_address[address]


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's protocol for one connection, with bounds; a subclass of a server's own holds the counts."""

    counts: ConnectionCount

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, or close at once where there are too many."""
        super().connection_made(transport)
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._address = self.client[0] if self.client else ""
        self._is_counted = self.counts.take(self._address)
        if not self._is_counted:
            self._refuse(_BUSY, "Service Unavailable", "too many connections: close some, then try again")
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for another."""
        self._stop_timer()
        if self._is_counted:
            self.counts.give_back(self._address)
            self._is_counted = False
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, as long as the head of the request is not too long."""
        if self._timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > self.counts.limits.head_bytes:
                self._refuse(
                    431,
                    "Request Header Fields Too Large",
                    f"the head of the request is longer than {self.counts.limits.head_bytes:,} bytes: "
                    "send the query by POST",
                )
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._timer is None:
            self._expect_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head of the request is here."""
        self._stop_timer()
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._timer = self.loop.call_later(self.counts.limits.head_seconds, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._refuse(408, "Request Timeout", "the head of the request did not come")

    def _refuse(self, status: int, name: str, reason: str) -> None:
        self._stop_timer()
        if not self.transport.is_closing():
            text = f"{reason}\n"
            head = f"HTTP/1.1 {status} {name}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            head += f"Retry-After: {_RETRY_S}\r\n" if status == _BUSY else ""
            head += f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
            self.transport.write((head + text).encode())
            self.transport.close()


def bounded_protocol(limits: ConnectionLimits) -> type[Any]:
    """Make the protocol class of one server, whose connections are counted together."""
    return type("BoundedConnectionOfServer", (BoundedConnection,), {"counts": ConnectionCount(limits)})
