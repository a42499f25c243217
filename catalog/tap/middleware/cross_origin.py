"""Cross-origin rules (CORS): pages of other sites may ask all but for the visitor's own jobs."""

from collections.abc import Callable, Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from catalog.formats.choose import VOTABLE
from catalog.formats.votable.document import votable_error

_READ = ("GET", "HEAD")
_LIST = ("tap", "async")
_DELETE_JOBS = ("tap", "deletejobs")
_REFUSED = "a page of another site may make a job without files and read the one that it made: no more"


class CrossOrigin:
    """Middleware that tells browsers which answers pages of other sites may read, and refuses them the rest.

    Jobs are known by the address of who made them, which a page shares with all else that its visitor runs:
    a foreign page may make a job, and read that job, whose id it then knows; it can neither list nor change
    nor remove jobs. It may send no files: those are kept, and count as its visitor's. Clients that are no
    browsers send neither Origin nor Sec-Fetch-Site, and are not concerned.

    Args:
        app: The application that answers the requests that are allowed.
        base: Gives the service's own URL as a request's client knows it.
        exposed: The names of the headers that pages of other sites may read.
    """

    def __init__(self, app: ASGIApp, base: Callable[[Request], str], exposed: Sequence[str]) -> None:
        self._app = CORSMiddleware(
            app, allow_origins=["*"], allow_methods=["GET", "POST"], expose_headers=exposed
        )
        self._base = base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse to."""
        if scope["type"] != "http" or self._is_allowed(Request(scope)):
            await self._app(scope, receive, send)
        else:
            await Response(votable_error(_REFUSED), 403, media_type=VOTABLE)(scope, receive, send)

    def _is_own(self, request: Request) -> bool:
        """Whether no page of another site has sent it."""
        origin = request.headers.get("origin")
        if origin is None:
            return request.headers.get("sec-fetch-site") != "cross-site" or _is_navigation(request)
        return _host_and_port(origin) == _host_and_port(self._base(request))

    def _is_allowed(self, request: Request) -> bool:
        if self._is_own(request):
            return True
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            return False
        method = request.method
        if method == "OPTIONS":
            method = request.headers.get("access-control-request-method", method)
        return _is_for_all(method, tuple(part for part in request.url.path.split("/") if part))


def _is_navigation(request: Request) -> bool:
    """Whether somebody follows a link, which may come from anywhere."""
    return request.method in _READ and request.headers.get("sec-fetch-mode") in {None, "navigate"}


def _is_for_all(method: str, path: tuple[str, ...]) -> bool:
    if path == _DELETE_JOBS:
        return False
    if path == _LIST:
        return method == "POST"
    return path[: len(_LIST)] != _LIST or method in _READ


def _host_and_port(url: str) -> str:
    """Host and port; a proxy that hides the scheme from the service changes neither."""
    return url.partition("://")[2].partition("/")[0].lower()
