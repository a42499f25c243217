"""Pages of HTML: how a template becomes an answer, with the headers that keep a browser from harm."""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path

import psycopg
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from catalog.errors import CatalogError
from catalog.tap.database.postgres_errors import translate_error
from catalog.tap.errors import INTERNAL_MESSAGE, BusyError, NotFoundError, http_status
from catalog.tap.middleware.compression import accepts_gzip, gzip_pieces
from catalog.web.column_texts import WORDS

FOLDER = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self' "
        "http://localhost:21012; "  # where a hub of SAMP listens on the visitor's own machine
        "form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}
_SECONDS = 20.0
_SERVICES = {"tap", "scs", "datalink", "hats", "health"}
_log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


def render(request: Request, template: str, status: int = 200, **values: object) -> Response:
    """Make the answer that shows a template; every text in it is shown as text."""
    made = _environment().get_template(template)
    person = getattr(request.state, "person", None)
    html = made.render(person=person, path=request.url.path, static=static_address, **values)
    # For strangers only: the length of a packed page tells of secrets in it (Gluck et al. 2013, BREACH).
    body, headers = html.encode(), {**HEADERS, "Vary": "Accept-Encoding, Cookie"}
    if not request.cookies and accepts_gzip(request):
        body, headers["Content-Encoding"] = b"".join(gzip_pieces(iter([body]))), "gzip"
    return HTMLResponse(body, status, headers)


def page(endpoint: Endpoint) -> Endpoint:
    """Wrap an endpoint so that its errors are pages too, in words for people."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except CatalogError as error:
            return error_page(request, error)
        except psycopg.Error as error:
            return error_page(request, translate_error(error, _SECONDS))
        except HTTPException as error:
            return error_page(request, NotFoundError(error.detail))
        except Exception:  # noqa: BLE001 - a page says so, the log has the reason
            _log.exception("%s %s failed", request.method, request.url.path)
            return render(request, "error.html", 500, title="Something failed here", message=INTERNAL_MESSAGE)

    return answer


class NotAllowedError(CatalogError):
    """Nobody is logged in, or who is may not do that."""


def error_page(request: Request, error: CatalogError) -> Response:
    """Make the page that says an error of the user's, with the status that says whose fault it is."""
    status = 403 if isinstance(error, NotAllowedError) else http_status(error)
    titles = {
        403: "Not without logging in",
        404: "That is not here",
        400: "That cannot be shown",
        503: "Too busy at the moment",
    }
    answer = render(
        request, "error.html", status, title=titles.get(status, "Something failed here"), message=str(error)
    )
    if isinstance(error, BusyError):
        answer.headers["Retry-After"] = str(error.retry_seconds)
    return answer


class UnknownPath(Route):
    """Answers a browser that asks for what is nowhere with a page; the service's own paths are left alone."""

    def __init__(self) -> None:
        async def answer(request: Request) -> Response:
            shown = request.url.path[:100]
            return error_page(request, NotFoundError(f"there is no page {shown}"))

        super().__init__("/{path:path}", answer, methods=["GET"], include_in_schema=False)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match what a browser asks for, where the path is no client's of the Virtual Observatory."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            return Match.NONE, {}
        accepted = b",".join(value for name, value in scope["headers"] if name == b"accept")
        if b"text/html" not in accepted or scope["path"].split("/")[1] in _SERVICES:
            return Match.NONE, {}
        return super().matches(scope)


def static_address(name: str) -> str:
    """The address of a file of the page, which changes when the file does: browsers may keep it for ever."""
    return f"/page/static/{name}?v={_digest(name)}"


@cache
def _digest(name: str) -> str:
    return hashlib.blake2b((FOLDER / "static" / name).read_bytes(), digest_size=6).hexdigest()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"version": version("galcat"), "words": WORDS}
    environment.filters |= {
        "number": show_number,
        "grouped": lambda value: f"{value:,}".replace(",", "\u202f"),
    }
    return environment


def show_number(value: object, digits: int = 3) -> str:
    """A number with a few digits, as people read it; a dash where there is none."""
    if value is None or value != value:  # noqa: PLR0124 - NaN is not itself
        return "\u2013"
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return str(value)
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)
