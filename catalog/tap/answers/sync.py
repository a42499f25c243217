"""Synchronous queries: /tap/sync, and what other interfaces use to answer with a query."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalog.adql.published import PublishedTable
from catalog.errors import CatalogError
from catalog.formats.choose import Format
from catalog.tap.answers.answer_stream import AnswerStream
from catalog.tap.answers.request import parse_tap_request
from catalog.tap.answers.response import AnswerResponse
from catalog.tap.error_response import error_response
from catalog.tap.parameters import read_parameters
from catalog.tap.queries.run_query import QueryRequest, RunningQuery
from catalog.tap.service import Service
from catalog.tap.uploads.request_tables import hold_tables
from catalog.tap.uploads.room import find_spare_bytes
from catalog.tap.uploads.upload_parameter import parse_uploads

LINKS_PATH = "/datalink/links"


def answer_query(
    service: Service,
    request: Request,
    query_request: QueryRequest,
    form: Format,
    interface: str,
    uploads: AbstractContextManager[tuple[PublishedTable, ...]] | None = None,
    on_error: Callable[[CatalogError], Response] = error_response,
) -> Response:
    """Answer with a query's rows, within the limits of synchronous queries.

    Args:
        service: The service whose database is asked.
        request: The HTTP request that is answered.
        query_request: The query in ADQL, with its bounds.
        form: The format of the answer.
        interface: The name of the interface in the log: sync, scs, datalink or cutout.
        uploads: A context that holds the tables that came with the query.
        on_error: Makes the response to an error that comes before the first byte is sent.

    Returns:
        A response that asks when it is sent.
    """
    limits = service.limits
    query = RunningQuery(service.connections, service.cache, query_request, limits.sync_seconds)
    links = service.base(request) + LINKS_PATH
    room = min(limits.answer_bytes, find_spare_bytes(service.spool, limits))
    answer = AnswerStream(query, form, query_request.text, links, service.spool, room, uploads)
    return AnswerResponse(service, request, query_request, answer, interface, on_error)


def sync_routes(service: Service) -> list[Route]:
    """Make the route /tap/sync."""

    async def sync(request: Request) -> Response:
        parameters = await read_parameters(request, service.limits)
        tap_request = parse_tap_request(parameters, service.limits)
        sent = parse_uploads(parameters, service.limits, service.base(request))
        uploads = hold_tables(service, sent, service.client(request).address)
        return answer_query(service, request, tap_request.query, tap_request.form, "sync", uploads)

    return [Route("/tap/sync", sync, methods=["GET", "POST"])]
