"""How large a table in a file may be."""

from dataclasses import dataclass

MAX_IN_CELL = 100_000
"""Numbers of one array."""
MAX_IN_ROW = 1_000_000
"""Numbers of the arrays of one row."""
_NO_LIMIT = 2**62


@dataclass(frozen=True)
class TableLimits:
    """What a table may have at most.

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


UNLIMITED = TableLimits(*[_NO_LIMIT] * 5)
"""For the files of the user who runs the program."""
