"""/tap/sync of TAP 1.1: a query that is answered while the client waits."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalog.tap.answers.ask import ask
from catalog.tap.answers.question import tap_question
from catalog.tap.parameters import read_parameters
from catalog.tap.service import Service
from catalog.tap.uploads.sent_tables import sent_tables
from catalog.tap.uploads.stored_tables import stored_tables


def sync_routes(service: Service) -> list[Route]:
    """The route /tap/sync."""

    async def sync(request: Request) -> Response:
        parameters = await read_parameters(request, service.limits)
        asked = tap_question(parameters, service.limits)
        sent = sent_tables(parameters, service.limits, service.base(request))
        uploads = stored_tables(service, sent)
        return ask(service, request, asked.question, asked.form, "sync", uploads)

    return [Route("/tap/sync", sync, methods=["GET", "POST"])]
