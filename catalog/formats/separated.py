"""Writes CSV (RFC 4180, with a header) and TSV, streamed.

NULL is an empty cell; an array is its numbers with spaces between, as DALI 1.1 writes them.
Neither can say that it was cut.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

from catalog.columns import ColumnMeta
from catalog.formats.texts import Spelling, texts
from catalog.formats.writer import Ending, Heading, Row

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class CsvWriter:
    """Writes CSV; cells are quoted where they must be.

    Args:
        spelling: How values are written.
        line_end: What ends a line; RFC 4180 wants a carriage return too, the tools of Unix want none.
    """

    def __init__(self, spelling: Spelling | None = None, line_end: str = "\r\n") -> None:
        self._spelling = spelling or Spelling(str)
        self._line_end = line_end

    def start(self, columns: Sequence[ColumnMeta], _: Heading) -> bytes:
        """Give the line of the columns' names."""
        self._columns = tuple(columns)
        return _csv([[column.name for column in columns]], self._line_end)

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Give some rows."""
        return _csv(_lines(self._columns, rows, self._spelling), self._line_end)

    def end(self, _: Ending) -> Iterator[bytes]:
        """Give nothing more: the format cannot say how the answer ended."""
        yield b""

    def close(self) -> None:
        """Do nothing: nothing lies on disk."""


class TsvWriter:
    r"""No cell holds a tab or a line's end: they are written \t, \n, \r, and a backslash \\.

    Args:
        spelling: How values are written, but for the text.
    """

    def __init__(self, spelling: Spelling | None = None) -> None:
        self._spelling = replace(spelling or Spelling(str), text=_escape)

    def start(self, columns: Sequence[ColumnMeta], _: Heading) -> bytes:
        """Give the line of the columns' names."""
        self._columns = tuple(columns)
        return _tsv([[_escape(column.name) for column in columns]])

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Give some rows."""
        return _tsv(_lines(self._columns, rows, self._spelling))

    def end(self, _: Ending) -> Iterator[bytes]:
        """Give nothing more: the format cannot say how the answer ended."""
        yield b""

    def close(self) -> None:
        """Do nothing: nothing lies on disk."""


def _lines(columns: Sequence[ColumnMeta], rows: Sequence[Row], spelling: Spelling) -> list[tuple[str, ...]]:
    if not rows:
        return []
    values = zip(*rows, strict=True)
    return list(
        zip(
            *(texts(column, value, spelling) for column, value in zip(columns, values, strict=True)),
            strict=True,
        )
    )


def _csv(lines: Sequence[Sequence[str]], line_end: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerows(lines)
    return text.getvalue().encode()


def _tsv(lines: Sequence[Sequence[str]]) -> bytes:
    return "".join("\t".join(line) + "\n" for line in lines).encode()


def _escape(text: str) -> str:
    return text.translate(_ESCAPES)
