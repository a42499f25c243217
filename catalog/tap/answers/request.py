"""The parameters of TAP 1.1: a query, its language, its format, and how many rows at most."""

from dataclasses import dataclass

from catalog.adql.translate import LANGUAGES
from catalog.formats.choose import Format, choose
from catalog.tap.errors import UsageError
from catalog.tap.limits import ServiceLimits
from catalog.tap.parameters import RequestParameters
from catalog.tap.queries.run_query import QueryRequest


@dataclass(frozen=True)
class TapRequest:
    """A query and the format of its answer, as a TAP request asks for them."""

    query: QueryRequest
    form: Format


def parse_tap_request(parameters: RequestParameters, limits: ServiceLimits) -> TapRequest:
    """Read REQUEST, LANG, QUERY, RESPONSEFORMAT or FORMAT, and MAXREC.

    Raises:
        UsageError: One is missing, unknown, or out of range.
        FormatError: There is no such format.
    """
    parameters.choice("REQUEST", ("doQuery",))
    language = parameters.choice("LANG", LANGUAGES) or LANGUAGES[0]
    text = parameters.one("QUERY")
    if text is None:
        raise UsageError("QUERY is missing: the text of the query")
    if len(text.encode(errors="replace")) > limits.query_bytes:
        raise UsageError(f"QUERY is longer than {limits.query_bytes:,} bytes: upload long lists as a table")
    form = choose(parameters.one("RESPONSEFORMAT") or parameters.one("FORMAT"))
    return TapRequest(make_query_request(text, language, parameters.whole_number("MAXREC"), limits), form)


def make_query_request(text: str, language: str, max_rows: int | None, limits: ServiceLimits) -> QueryRequest:
    """Bound a query by the service's limits; `max_rows` is MAXREC, or None where it is not given."""
    if max_rows is None:
        return QueryRequest(text, language, limits.rows, limits.max_rows)
    rows = min(max_rows, limits.max_rows)
    return QueryRequest(text, language, rows, rows)
