"""A table that came with a query, as it was read from its file."""

from collections.abc import Iterator
from dataclasses import dataclass

from catalog.columns import ColumnMeta
from catalog.errors import QueryError
from catalog.formats.writer import Row

MAX_IN_CELL = 100_000
"""Numbers of one array."""
MAX_IN_ROW = 1_000_000
"""Numbers of the arrays of one row."""


class UploadError(QueryError):
    """A table that came with a query cannot be used."""


@dataclass(frozen=True)
class UploadLimits:
    """What an uploaded table may have at most.

    Attributes:
        bytes: How large the file may be, in bytes.
        rows: How many rows the table may have.
        columns: How many columns the table may have.
        text: How many characters a text may have.
        values: How many numbers and texts the table may have in all.
    """

    bytes: int = 20_000_000
    rows: int = 500_000
    columns: int = 200
    text: int = 100_000
    values: int = 5_000_000


@dataclass(frozen=True)
class UploadedTable:
    """A table while it is read from its file.

    Attributes:
        columns: The columns in the order of the file. Text is char, of any length, whatever characters it
            has.
        rows: The rows in plain values, as catalog.formats.writer has them; a NaN that is no part of an array
            is None. They can be read once; UploadError is raised where the file turns out to be wrong.
    """

    columns: tuple[ColumnMeta, ...]
    rows: Iterator[Row]
