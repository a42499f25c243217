"""The names under which the service may be called; a page whose own name points here is turned away."""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from catalog.formats.choose import VOTABLE
from catalog.formats.votable.document import votable_error

_ALWAYS = ("localhost", "localhost.localdomain")


class Hosts:
    """Middleware that answers only requests whose Host is a name of this service, or an address by number.

    A browser keeps a page of `evil.example` apart from other sites by their names. Where that name is made to
    point to this machine (DNS rebinding), the page could read all that its visitor may; but the browser then
    says `Host: evil.example`. Numbers cannot be made to point elsewhere.

    Args:
        app: The application that answers.
        names: Names of the service besides localhost and this machine's own.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        self._app = app
        own = (socket.gethostname(), socket.getfqdn())
        self._names = {name.lower().rstrip(".") for name in (*_ALWAYS, *own, *names) if name}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse to."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(given) == 1 and self._is_ours(given[0]):
            await self._app(scope, receive, send)
            return
        shown = given[0][:100] if given else ""
        body = votable_error(
            f"this service is not called {shown!r}: who runs it may name it in GALCAT_HOSTS or "
            "GALCAT_PUBLIC_URL"
        )
        start = {
            "type": "http.response.start",
            "status": 421,
            "headers": [(b"content-type", VOTABLE.encode()), (b"content-length", str(len(body)).encode())],
        }
        await send(start)
        await send({"type": "http.response.body", "body": body})

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        return name in self._names or _is_number(name)


def host_of(url: str | None) -> tuple[str, ...]:
    """The name in a URL, as a tuple of one; an empty one where there is no URL."""
    name = urlsplit(url).hostname if url else None
    return (name,) if name else ()


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
