"""Rows of a translated query: as Postgres finds them, or after it has found and counted them all."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import islice

import psycopg
from psycopg import capabilities, sql

from catalog.adql.translation import Translation
from catalog.columns import ColumnMeta
from catalog.formats.writer import Row
from catalog.tap.queries.postgres_types import Described, described
from catalog.tap.queries.similar import nothing_found

Columns = tuple[ColumnMeta, ...]

Chunks = Generator[tuple[Sequence[Described], list[Row]]]
"""What Postgres says of the columns, and some rows."""

_VALUES_AT_ONCE = 50_000
_MOST_ROWS_AT_ONCE = 5_000
_ROWS_A_RESULT = 1_000
"""What libpq gathers before it hands rows over."""


def streamed(
    connection: psycopg.Connection, translation: Translation, parameters: dict[str, object]
) -> Chunks:
    """Rows as Postgres finds them."""
    at_once = _rows_at_once(translation)
    size = min(at_once, _ROWS_A_RESULT) if capabilities.has_stream_chunked() else 1
    with connection.cursor() as cursor:
        rows = cursor.stream(translation.query, parameters, binary=True, size=size)
        with closing(rows):  # type: ignore[type-var] # it is a generator
            while chunk := list(islice(rows, at_once)):
                yield cursor.description or [], chunk


def counted(
    connection: psycopg.Connection,
    translation: Translation,
    parameters: dict[str, object],
    tell: Callable[[int], None],
) -> Chunks:
    """Rows after all were found; Postgres keeps them meanwhile, on its disk if they are many.

    Args:
        connection: In a transaction.
        translation: What is asked.
        parameters: All of them.
        tell: Told how many rows there are, before the first one comes.
    """
    connection.execute("SET LOCAL cursor_tuple_fraction = 1")  # all rows are wanted
    with connection.cursor("answer", scrollable=True, binary=True) as cursor:
        cursor.execute(translation.query, parameters)
        tell(connection.execute("MOVE FORWARD ALL IN answer").rowcount)
        cursor.scroll(0, "absolute")
        while chunk := cursor.fetchmany(_rows_at_once(translation)):
            yield cursor.description or [], chunk


def columns_alone(connection: psycopg.Connection, translation: Translation) -> Columns:
    """The columns of an answer without its rows."""
    query = sql.SQL("SELECT * FROM ({}) AS answer LIMIT 0").format(translation.query)
    cursor = connection.execute(query, nothing_found(translation), prepare=False)
    return described(translation.columns, cursor.description or [])


def _rows_at_once(translation: Translation) -> int:
    return max(1, min(_MOST_ROWS_AT_ONCE, _VALUES_AT_ONCE // max(1, len(translation.columns))))
