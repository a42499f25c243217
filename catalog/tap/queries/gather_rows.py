"""Gathers the rows of a translated query: as Postgres finds them, or after it has counted them all."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing

import psycopg
from psycopg import capabilities, sql

from catalog.adql.translation import Translation
from catalog.columns import ColumnMeta
from catalog.formats.writer import Row
from catalog.tap.queries.postgres_types import PostgresColumn, describe_columns
from catalog.tap.queries.row_bytes import batch_rows, find_wide_columns, refuse_wide_rows
from catalog.tap.queries.similar import skip_searches

Columns = tuple[ColumnMeta, ...]

Chunks = Generator[tuple[Sequence[PostgresColumn], list[Row]]]
"""What Postgres says of the columns, and some rows."""

_VALUES_AT_ONCE = 50_000
_MAX_ROWS_AT_ONCE = 5_000
_ROWS_A_RESULT = 1_000
"""What libpq gathers before it hands rows over."""
_WIDE_ROWS_A_RESULT = 10
"""Where each may be as wide as a row may be."""
_ROWS_A_FETCH = 20_000
"""Of a cursor; Postgres keeps them once more meanwhile, in its work_mem or on its disk."""


def stream_rows(
    connection: psycopg.Connection,
    translation: Translation,
    parameters: dict[str, object],
    max_row_bytes: int,
) -> Chunks:
    """Give rows as Postgres finds them.

    Args:
        connection: A connection that is in a transaction.
        translation: The query in SQL.
        parameters: The value of every placeholder, those of the similarity searches included.
        max_row_bytes: The width of a row in bytes from which on it is an error.
    """
    query = refuse_wide_rows(translation, max_row_bytes)
    with connection.cursor() as cursor:
        yield from _read_chunks(cursor, query, parameters, translation)


def count_and_stream_rows(
    connection: psycopg.Connection,
    translation: Translation,
    parameters: dict[str, object],
    max_row_bytes: int,
    tell: Callable[[int], None],
) -> Chunks:
    """Give rows after all were found; Postgres keeps them meanwhile, on its disk if they are many.

    Args:
        connection: A connection that is in a transaction.
        translation: The query in SQL.
        parameters: The value of every placeholder, those of the similarity searches included.
        max_row_bytes: The width of a row in bytes from which on it is an error.
        tell: Called with the number of rows before the first of them comes.
    """
    connection.execute("SET LOCAL cursor_tuple_fraction = 1")  # all rows are wanted
    declare = sql.SQL("DECLARE answer SCROLL CURSOR FOR ") + refuse_wide_rows(translation, max_row_bytes)
    connection.execute(declare, parameters, prepare=False)
    total = connection.execute("MOVE FORWARD ALL IN answer").rowcount
    tell(total)
    connection.execute("MOVE ABSOLUTE 0 IN answer")
    fetch = sql.SQL("FETCH FORWARD {} FROM answer").format(sql.Literal(_ROWS_A_FETCH))
    with connection.cursor() as cursor:
        for _ in range(0, total, _ROWS_A_FETCH):
            yield from _read_chunks(cursor, fetch, {}, translation)


def read_columns(connection: psycopg.Connection, translation: Translation) -> Columns:
    """Read the columns of an answer without its rows."""
    query = sql.SQL("SELECT * FROM ({}) AS answer LIMIT 0").format(translation.query)
    cursor = connection.execute(query, skip_searches(translation), prepare=False)
    return describe_columns(translation.columns, cursor.description or [])


def _read_chunks(
    cursor: psycopg.Cursor, query: sql.Composed, parameters: dict[str, object], translation: Translation
) -> Chunks:
    wide = find_wide_columns(translation.columns)
    at_once = max(1, min(_MAX_ROWS_AT_ONCE, _VALUES_AT_ONCE // max(1, len(translation.columns))))
    size = min(at_once, _WIDE_ROWS_A_RESULT if wide else _ROWS_A_RESULT)
    rows = cursor.stream(
        query, parameters, binary=True, size=size if capabilities.has_stream_chunked() else 1
    )
    with closing(rows):  # type: ignore[type-var] # it is a generator
        for batch in batch_rows(rows, wide, at_once):
            yield cursor.description or [], batch
