"""The parameters of TAP 1.1: a query, its language, its format, and how many rows at most."""

from dataclasses import dataclass

from catalog.adql.translate import LANGUAGES
from catalog.formats.choose import Format, choose
from catalog.tap.faults import AskedWrongError
from catalog.tap.limits import ServiceLimits
from catalog.tap.parameters import Parameters
from catalog.tap.queries.run_query import Question


@dataclass(frozen=True)
class Asked:
    """What the parameters ask for."""

    question: Question
    form: Format


def tap_question(parameters: Parameters, limits: ServiceLimits) -> Asked:
    """Read them.

    Raises:
        AskedWrongError: One is missing, unknown, or out of range.
        FormatError: There is no such format.
    """
    parameters.choice("REQUEST", ("doQuery",))
    language = parameters.choice("LANG", LANGUAGES) or LANGUAGES[0]
    text = parameters.one("QUERY")
    if text is None:
        raise AskedWrongError("QUERY is missing: the text of the query")
    if len(text.encode(errors="replace")) > limits.query_bytes:
        raise AskedWrongError(
            f"QUERY is longer than {limits.query_bytes:,} bytes: upload long lists as a table"
        )
    form = choose(parameters.one("RESPONSEFORMAT") or parameters.one("FORMAT"))
    return Asked(bounded_question(text, language, parameters.whole_number("MAXREC"), limits), form)


def bounded_question(text: str, language: str, most: int | None, limits: ServiceLimits) -> Question:
    """A question within the limits; `most` is MAXREC, where it is given."""
    if most is None:
        return Question(text, language, limits.rows, limits.most_rows)
    rows = min(most, limits.most_rows)
    return Question(text, language, rows, rows)
