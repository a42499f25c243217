"""Writes VOTables, streamed: BINARY2 or TABLEDATA."""

import binascii
from collections.abc import Iterator, Sequence

from catalog.columns import ColumnMeta
from catalog.formats.datatypes import FLOATS, length
from catalog.formats.texts import Spelling, texts
from catalog.formats.votable.binary2_rows import binary2_rows
from catalog.formats.votable.document import after_rows, before_rows
from catalog.formats.writer import Ending, Heading, Row
from catalog.formats.xml import content

_XML = Spelling(content, special=("NaN", "+Inf", "-Inf"))


class Binary2Writer:
    """Writes rows in base64; a NULL is told from NaN and from empty text."""

    def start(self, columns: Sequence[ColumnMeta], heading: Heading) -> bytes:
        """Give the document up to its rows."""
        self._columns, self._heading, self._left = tuple(columns), heading, b""
        return f'{before_rows(columns, heading)}<DATA>\n<BINARY2>\n<STREAM encoding="base64">\n'.encode()

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Give some rows; up to two bytes are held back, since base64 writes three at a time."""
        data = self._left + binary2_rows(self._columns, rows)
        ready = len(data) - len(data) % 3
        self._left = data[ready:]
        return binascii.b2a_base64(memoryview(data)[:ready]) if ready else b""

    def end(self, ending: Ending) -> Iterator[bytes]:
        """Give the bytes held back, and the document from there on."""
        left = binascii.b2a_base64(self._left) if self._left else b""
        yield left + b"</STREAM>\n</BINARY2>\n</DATA>\n"
        yield after_rows(self._columns, self._heading, ending).encode()

    def close(self) -> None:
        """Do nothing: nothing lies on disk."""


class TabledataWriter:
    """Writes rows in XML; NULL is an empty cell, and so are empty text and an empty array.

    An array of a fixed number of floats has no empty cell: its NULL is as many NaN.
    """

    def start(self, columns: Sequence[ColumnMeta], heading: Heading) -> bytes:
        """Give the document up to its rows."""
        self._columns, self._heading = tuple(columns), heading
        return f"{before_rows(columns, heading)}<DATA>\n<TABLEDATA>\n".encode()

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Give some rows."""
        values = zip(*rows, strict=True)
        cells = [_cells(column, value) for column, value in zip(self._columns, values, strict=False)]
        lines = ["<TR><TD>" + "</TD><TD>".join(row) + "</TD></TR>\n" for row in zip(*cells, strict=True)]
        return "".join(lines).encode()

    def end(self, ending: Ending) -> Iterator[bytes]:
        """Give the document from there on."""
        yield b"</TABLEDATA>\n</DATA>\n"
        yield after_rows(self._columns, self._heading, ending).encode()

    def close(self) -> None:
        """Do nothing: nothing lies on disk."""


def _cells(column: ColumnMeta, values: Sequence[object]) -> list[str]:
    width = length(column) if column.is_array and column.datatype in FLOATS else None
    if width is not None:
        values = [[None] * width if value is None else value for value in values]
    return texts(column, values, _XML)
