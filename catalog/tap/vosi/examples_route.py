"""/tap/examples of TAP 1.1: queries to begin with."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalog.tap.database.connections import one_moment
from catalog.tap.service import Service
from catalog.tap.vosi.examples import ExamplesPage

_XHTML = "application/xhtml+xml"
_SECONDS = 20.0


def examples_routes(service: Service) -> list[Route]:
    """The route /tap/examples."""
    page = ExamplesPage()

    def examples(request: Request) -> Response:
        with service.connections.reader() as connection, one_moment(connection, _SECONDS):
            return Response(page(connection, service.base(request)), media_type=_XHTML)

    return [Route("/tap/examples", examples)]
