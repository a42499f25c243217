"""The routes of the page, for the one application that `galcat serve` serves."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from catalog.tap.service import Service
from catalog.web.dropped.routes import dropped_routes
from catalog.web.galaxy.routes import galaxy_routes
from catalog.web.galaxy_map import GalaxyMap
from catalog.web.information.routes import information_routes
from catalog.web.labelling.routes import labelling_routes
from catalog.web.labelling.sessions import Sessions
from catalog.web.page_services import PageServices
from catalog.web.pages import FOLDER, UnknownPath
from catalog.web.sky import sky_routes
from catalog.web.sky_viewer import SkyViewer
from catalog.web.wall import wall_routes


def page_routes(service: Service, parts: PageServices) -> Sequence[BaseRoute]:
    """Make the routes of the page, from `/` on.

    Args:
        service: The service whose database is asked.
        parts: What knows pictures and models.
    """
    galaxy_map = GalaxyMap(service)
    viewer = SkyViewer(parts.home)
    sessions = Sessions(service, parts.secret_file)
    return [
        *wall_routes(service, parts, galaxy_map, viewer),
        *galaxy_routes(service, parts),
        *dropped_routes(service, parts),
        *sky_routes(service, galaxy_map),
        *viewer.routes(),
        *labelling_routes(service, sessions, parts),
        *information_routes(service, sessions, parts),
        Mount("/page/static", _KeptFiles(directory=FOLDER / "static")),
        UnknownPath(),
    ]


class _KeptFiles(StaticFiles):
    """Files whose address changes when they do, so that a browser asks for each once."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_kept(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                assert isinstance(headers, list)  # noqa: S101 - as ASGI has it
                kept = b"public, max-age=31536000, immutable"
                message = {
                    **message,
                    "headers": [*headers, (b"cache-control", kept), (b"x-content-type-options", b"nosniff")],
                }
            await send(message)

        await super().__call__(scope, receive, send_kept)  # type: ignore[arg-type] # a Send
