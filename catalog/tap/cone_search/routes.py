"""Simple Cone Search 1.03 at /scs: what /tap/sync does, with the columns that the standard wants."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalog.adql.published import Published
from catalog.columns import ColumnMeta
from catalog.errors import CatalogError
from catalog.formats.choose import Format, choose
from catalog.formats.votable.document import HEAD, votable_error
from catalog.formats.writer import Ending, Heading, Row, Writer
from catalog.formats.xml import XML, quote
from catalog.tap.answers.request import make_query_request
from catalog.tap.answers.sync import LINKS_PATH, answer_query
from catalog.tap.cone_search.query import IDENTITY, describe_column, parse_cone_search, write_cone_query
from catalog.tap.error_response import error_response
from catalog.tap.parameters import RequestParameters, read_parameters
from catalog.tap.service import Service


def cone_search_routes(service: Service) -> list[Route]:
    """Make the route /scs: GET and POST of RA, DEC, SR, and if wanted VERB, MAXREC and RESPONSEFORMAT."""

    async def search(request: Request) -> Response:
        try:
            return await _search(service, request)
        except CatalogError as error:
            return cone_error_response(error)

    return [Route("/scs", search, methods=["GET", "POST"])]


def cone_error_response(error: CatalogError) -> Response:
    """Make an error that stands where the standard of 2008 looks for it, and where DALI does."""
    response = error_response(error)
    info = f'<INFO ID="Error" name="Error" value={quote(str(error))}/>\n'
    body = votable_error(str(error)).removeprefix(HEAD.encode())
    headers = {key: value for key, value in response.headers.items() if key == "retry-after"}
    return Response(f"{HEAD}{info}".encode() + body, response.status_code, headers, XML)


async def _search(service: Service, request: Request) -> Response:
    parameters = await read_parameters(request, service.limits)
    cone = parse_cone_search(parameters)
    form = _choose_format(parameters)
    max_rows = 0 if cone.radius_deg == 0 else parameters.whole_number("MAXREC")
    published = await run_sync(_read_published, service)
    query_request = make_query_request(write_cone_query(cone, published), "ADQL", max_rows, service.limits)
    links = (service.base(request) + LINKS_PATH, IDENTITY)
    written = replace(
        form, make=lambda folder, max_bytes: ConeWriter(form.make(folder, max_bytes), published, links)
    )
    return answer_query(service, request, query_request, written, "scs", on_error=cone_error_response)


def _choose_format(parameters: RequestParameters) -> Format:
    """TABLEDATA as text/xml unless something else is asked for: the standard is older than BINARY2."""
    format_name = parameters.one("RESPONSEFORMAT")
    return choose(format_name) if format_name else replace(choose("votable/td"), content_type=XML)


def _read_published(service: Service) -> Published:
    with service.connections.reader() as reader:
        return service.cache.current(reader)


class ConeWriter:
    """Writes a format whose columns are described as Simple Cone Search wants it."""

    def __init__(self, writer: Writer, published: Published, links: tuple[str, str]) -> None:
        self._writer = writer
        self._published = published
        self._links = links

    def start(self, columns: Sequence[ColumnMeta], heading: Heading) -> bytes:
        """Give the head of the file."""
        told = [describe_column(column, self._published) for column in columns]
        return self._writer.start(told, replace(heading, links=self._links))

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Give some rows."""
        return self._writer.rows(rows)

    def end(self, ending: Ending) -> Iterator[bytes]:
        """Give the end of the file."""
        return self._writer.end(ending)

    def close(self) -> None:
        """Remove what lies on disk."""
        self._writer.close()
