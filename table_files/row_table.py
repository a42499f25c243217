"""A table while its rows are read from a file, one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass

from table_files.column_meta import ColumnMeta
from table_files.frame import CoordinateFrame

Row = tuple[object, ...]


@dataclass(frozen=True)
class RowTable:
    """A table while it is read from its file.

    Attributes:
        columns: The columns in the order of the file. Text is char, of any length, whatever characters it
            has.
        rows: The rows in plain values: bool, int, float, str, datetime (naive, UTC), lists of numbers, None
            for NULL; a NaN that is no part of an array is None. They can be read once; TableError is raised
            where the file turns out to be wrong.
        frame: The frame of its positions as the file declares it; None where it declares none.
        frames: The frame that the file declares of each column, None where it declares none; empty where it
            declares none of any column.
    """

    columns: tuple[ColumnMeta, ...]
    rows: Iterator[Row]
    frame: CoordinateFrame | None = None
    frames: tuple[CoordinateFrame | None, ...] = ()
