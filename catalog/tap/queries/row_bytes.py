"""Rows in batches that are bounded by their bytes: a row of text or arrays may be wide."""

from collections.abc import Iterator, Sequence
from itertools import islice

from psycopg import sql

from catalog.adql.translation import Translation
from catalog.columns import ColumnMeta
from catalog.formats.writer import Row

_TIME = "timestamp"
_BATCH_BYTES = 8_000_000
_NUMBER_BYTES = 40
"""Of a number in a list, as Python has it."""


def find_wide_columns(columns: Sequence[ColumnMeta]) -> list[int]:
    """Find the indices of columns whose values may be of any width: text and arrays."""
    return [i for i, column in enumerate(columns) if column.arraysize and column.xtype != _TIME]


def refuse_wide_rows(translation: Translation, max_bytes: int) -> sql.Composed:
    """Change a query so that it fails at a row of more than so many bytes, which is never sent."""
    if not find_wide_columns(translation.columns):
        return translation.query
    return sql.SQL(
        "SELECT answer.* FROM ({query}) AS answer "
        "WHERE CASE WHEN pg_column_size(answer.*) <= {max_bytes} THEN true "
        "ELSE galcat_tap.refuse_row(pg_column_size(answer.*), {max_bytes}) END"
    ).format(query=translation.query, max_bytes=sql.Literal(max_bytes))


def batch_rows(rows: Iterator[Row], wide: Sequence[int], max_rows: int) -> Iterator[list[Row]]:
    """Give rows some at a time: fewer where their values in the `wide` columns take about 8 MB."""
    while batch := _take_batch(rows, wide, max_rows) if wide else list(islice(rows, max_rows)):
        yield batch


def _take_batch(rows: Iterator[Row], wide: Sequence[int], max_rows: int) -> list[Row]:
    batch: list[Row] = []
    size = 0
    for row in islice(rows, max_rows):
        batch.append(row)
        for i in wide:
            value = row[i]
            if isinstance(value, str):
                size += len(value)
            elif isinstance(value, list):
                size += _NUMBER_BYTES * len(value)
        if size >= _BATCH_BYTES:
            break
    return batch
