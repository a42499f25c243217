"""Reads the binary tables of a FITS file (FITS 4.0, section 7.3)."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from table_files.as_rows import as_rows
from table_files.errors import TableError
from table_files.fits.column import FitsColumn, column_name, column_width, parse_fits_column
from table_files.fits.headers import refuse_absurd_headers
from table_files.fits.text_tables import read_text_tables
from table_files.frame import CoordinateFrame, frame_of_cards
from table_files.limits import MAX_IN_CELL, TableLimits
from table_files.row_table import Row, RowTable
from table_files.table import TableColumn

_BATCH_ROWS = 1_000
_UNPACKED = 10
"""How many times larger than the most that may be sent the texts of a file may be: several may be one."""


@dataclass(frozen=True, eq=False)
class FitsTable:
    """A binary table of a file, of which no column is read yet.

    Attributes:
        number: Which of the file's binary tables it is, from 1.
        header: Header of the table's HDU.
        primary: The header of the file's first HDU, which may declare the frame of all its tables.
        content: The bytes of the file.
        start: Where the data of the table begin in the file.
    """

    number: int
    header: fits.Header
    primary: fits.Header
    content: bytes
    start: int

    @property
    def n_rows(self) -> int:
        """How many rows it has."""
        return int(self.header["NAXIS2"])

    @property
    def column_names(self) -> list[str]:
        """The names of its columns, in their order; one without a name is called as its place: col3."""
        return [column_name(self.header, i) for i in range(1, self.header["TFIELDS"] + 1)]

    @property
    def unreadable(self) -> tuple[tuple[str, str], ...]:
        """The columns of complex numbers, bits and tables within cells, and why each cannot be read."""
        found = []
        for i, name in enumerate(self.column_names, 1):
            try:
                parse_fits_column(self.header, i)
            except TableError as error:
                found.append((name, str(error).removeprefix(f"column {name} ")))
        return tuple(found)

    @property
    def frame(self) -> CoordinateFrame | None:
        """The frame that RADESYS and EQUINOX declare, in its own header or else in the first one."""
        return frame_of_cards(self.header, self.primary)

    def read_column(self, name: str) -> TableColumn:
        """Read a column.

        Raises:
            TableError: It is of a type that is not understood, or lies outside of the file.
        """
        at = self.column_names.index(name)
        column = parse_fits_column(self.header, at + 1)
        values, missing = column.array(self._cells(at, column), self._heap())
        meta = column.meta
        return TableColumn(name, values, missing, meta.unit, meta.description, ucd=meta.ucd)

    def _cells(self, at: int, column: FitsColumn) -> NDArray[np.generic]:
        widths = [column_width(self.header, i) for i in range(1, self.header["TFIELDS"] + 1)]
        n_bytes, n_rows = int(self.header["NAXIS1"]), self.n_rows
        if sum(widths) != n_bytes:
            raise TableError(f"its columns take {sum(widths)} bytes, and by its header {n_bytes}")
        layout = np.dtype(
            {
                "names": ["cell"],
                "formats": [(column.dtype, column.shape)],
                "offsets": [sum(widths[:at])],
                "itemsize": n_bytes,
            }
        )
        if n_rows * n_bytes > len(self.content) - self.start:
            needed = self.start + n_rows * n_bytes
            raise TableError(f"truncated, {len(self.content)} of {needed} bytes")
        cells: NDArray[np.generic] = np.frombuffer(self.content, layout, n_rows, self.start)["cell"]
        return cells

    def _heap(self) -> bytes:
        default = self.n_rows * int(self.header["NAXIS1"])
        return self.content[self.start + max(0, int(self.header.get("THEAP", default))) :]


def read_fits(content: bytes, limits: TableLimits) -> RowTable:
    """Read the table of a file, row by row.

    Args:
        content: The bytes of the file.
        limits: How large the table may be.

    Raises:
        TableError: It is no FITS, has no table or several, is cut off, or a column cannot be stored.
    """
    with refuse_damage():
        tables = find_tables(content, must_be_whole=False)
        texts = read_text_tables(content)
        if not tables and len(texts) == 1:
            return as_rows(texts[0][1])
        if not tables and not texts:
            raise TableError("it has no table")
        if len(tables) + len(texts) > 1:
            named = [str(table.header.get("EXTNAME", table.number)) for table in tables]
            names = ", ".join([*named, *(name for name, _ in texts)])
            n_tables = len(tables) + len(texts)
            raise TableError(f"it has {n_tables} tables ({names}): send the one that is meant")
        (table,) = tables
        rows = _read_table(content, table.header, table.start, limits)
        return replace(rows, frame=table.frame)


@contextmanager
def refuse_damage() -> Iterator[None]:
    """Turn whatever astropy raises of a damaged file into a TableError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cards that do not matter here
            yield
    except TableError:
        raise
    except Exception as error:  # noqa: BLE001 - astropy raises many
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise TableError(f"it is no FITS that can be read: {reason}") from None


def find_tables(content: bytes, *, must_be_whole: bool = True) -> list[FitsTable]:
    """Find the binary tables of a file, which may have none; an image compressed within a table is none.

    Args:
        content: The bytes of the file.
        must_be_whole: Whether the file must have its last block to the end, as FITS wants it.

    Raises:
        TableError: It is cut off. astropy's errors where it is damaged: see `refuse_damage`.
    """
    tables: list[FitsTable] = []
    refuse_absurd_headers(io.BytesIO(content))
    with fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
        for hdu in hdus:
            if hdu.header.get("XTENSION") == "BINTABLE" and not hdu.header.get("ZIMAGE", False):
                start = hdu.fileinfo()["datLoc"]
                tables.append(FitsTable(len(tables) + 1, hdu.header, hdus[0].header, content, start))
        info = hdus[-1].fileinfo()
        end = info["datLoc"] + info["datSpan"]
    behind = content[end:]
    if must_be_whole and len(content) < end:
        raise TableError(f"truncated, {len(content)} of {end} bytes")
    if behind.strip(b"\0 "):  # astropy drops an HDU whose header is cut off, with a warning
        raise TableError(f"truncated or damaged, the last {len(behind)} bytes are no HDU")
    return tables


def _read_table(content: bytes, header: fits.Header, start: int, limits: TableLimits) -> RowTable:
    n_rows, n_columns = int(header["NAXIS2"]), int(header["TFIELDS"])
    if n_columns > limits.columns:
        raise TableError(f"it has more than {limits.columns} columns")
    columns = [parse_fits_column(header, i) for i in range(1, n_columns + 1)]
    layout = np.dtype([(str(i), column.dtype, column.shape) for i, column in enumerate(columns)])
    if layout.itemsize != header["NAXIS1"] or not layout.itemsize:
        raise TableError(f"its columns take {layout.itemsize} bytes, and by its header {header['NAXIS1']}")
    if not 0 <= n_rows * layout.itemsize <= len(content) - start:
        raise TableError("it ends before its last row")
    record = np.frombuffer(content, dtype=layout, count=n_rows, offset=start)
    heap = content[start + max(0, int(header.get("THEAP", n_rows * layout.itemsize))) :]
    _require_few(columns, record, limits)
    return RowTable(tuple(column.meta for column in columns), _read_rows(columns, record, heap))


def _require_few(columns: list[FitsColumn], record: NDArray[np.void], limits: TableLimits) -> None:
    """Refuse a table of too many values before any of them is made: several arrays may lie at one place."""
    n_numbers = n_characters = 0.0
    for i, column in enumerate(columns):
        cells = record[str(i)]
        lengths = (
            cells[:, 0].astype(np.float64) if column.is_variable else np.full(len(record), cells[:1].size)
        )
        if column.code == "A":
            n_characters += lengths.sum()
            continue
        n_numbers += lengths.sum()
        if lengths.max(initial=0) > MAX_IN_CELL:
            raise TableError(f"column {column.meta.name}: an array of more than {MAX_IN_CELL:,} numbers")
    if n_numbers > limits.values:
        raise TableError(f"it has more than {limits.values:,} values")
    if n_characters > _UNPACKED * limits.bytes:
        raise TableError(f"its texts have more than {_UNPACKED * limits.bytes / 1e6:g} MB")


def _read_rows(columns: list[FitsColumn], record: NDArray[np.void], heap: bytes) -> Iterator[Row]:
    for at in range(0, len(record), _BATCH_ROWS):
        batch = record[at : at + _BATCH_ROWS]
        values = [column.values(batch[str(i)], heap) for i, column in enumerate(columns)]
        yield from zip(*values, strict=True)
