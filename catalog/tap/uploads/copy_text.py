"""Writes an uploaded table as the text that Postgres' COPY reads: whole, and on disk where it is long."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from catalog.columns import ColumnMeta
from catalog.formats.texts import Spelling, texts
from catalog.formats.writer import Row
from catalog.tap.uploads.error import UploadError
from table_files.row_table import RowTable

_BATCH_ROWS = 5_000
_BATCH_VALUES = 200_000
_IN_MEMORY_BYTES = 4_000_000
_CHUNK_BYTES = 2**20
_MAX_BYTES = 500_000_000
"""A small file may stand for a large table."""
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_COPY = Spelling(lambda text: text.translate(_ESCAPES), null="\\N", brackets=("{", ",", "}"))


@dataclass(frozen=True)
class CopyText:
    """A whole table as COPY reads it.

    Attributes:
        declared: The columns as they are stored in Postgres.
        columns: The columns as they are published: text that is not all ASCII is unicodeChar.
        n_rows: The number of rows, each a line of the text.
        n_bytes: The length of the text in bytes.
        chunks: The text in UTF-8; it can be read once.
    """

    declared: tuple[ColumnMeta, ...]
    columns: tuple[ColumnMeta, ...]
    n_rows: int
    n_bytes: int
    chunks: Iterator[bytes]


@contextmanager
def write_copy_text(table: RowTable, max_bytes: int = _MAX_BYTES) -> Iterator[CopyText]:
    """Read a table to its end; the text is there as long as this lasts.

    Args:
        table: The table, whose rows are used up.
        max_bytes: How long the text may be, in bytes.

    Raises:
        UploadError: It cannot be read, or its text is too long.
    """
    seen = _CopyEncoder(table.columns)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as file:
        for batch in _batch_rows(table.rows):
            file.write(seen.text(batch))
            if file.tell() > max_bytes:
                raise UploadError(f"unpacked it has more than {max_bytes / 1e6:g} MB")
        n_bytes = file.tell()
        file.seek(0)
        chunks = iter(lambda: file.read(_CHUNK_BYTES), b"")
        yield CopyText(table.columns, seen.columns(), seen.n_rows, n_bytes, chunks)


class _CopyEncoder:
    """What is learned of a table while it goes by."""

    def __init__(self, columns: tuple[ColumnMeta, ...]) -> None:
        self._columns = columns
        self._is_ascii = [True] * len(columns)
        self.n_rows = 0

    def text(self, rows: list[Row]) -> bytes:
        """Rows as COPY reads them."""
        self.n_rows += len(rows)
        cells = []
        for i, (column, values) in enumerate(zip(self._columns, zip(*rows, strict=True), strict=True)):
            cells.append(texts(column, values, _COPY))
            if column.is_text and self._is_ascii[i]:
                self._is_ascii[i] = all(map(str.isascii, cells[i]))
        return "".join("\t".join(row) + "\n" for row in zip(*cells, strict=True)).encode()

    def columns(self) -> tuple[ColumnMeta, ...]:
        """The columns; text is unicodeChar where it is no ASCII."""
        return tuple(
            column if is_ascii else replace(column, datatype="unicodeChar")
            for column, is_ascii in zip(self._columns, self._is_ascii, strict=True)
        )


def _batch_rows(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    n_values = 0
    for row in rows:
        batch.append(row)
        n_values += sum(len(value) if isinstance(value, list) else 1 for value in row)
        if len(batch) == _BATCH_ROWS or n_values >= _BATCH_VALUES:
            yield batch
            batch, n_values = [], 0
    if batch:
        yield batch
