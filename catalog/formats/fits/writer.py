"""FITS binary tables: rows are spooled until it is known how wide the columns are."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io import fits

from catalog.columns import UNSIGNED_LONG, ColumnMeta
from catalog.errors import QueryError
from catalog.formats.arrow_batch import arrow_batch, arrow_schema
from catalog.formats.fits.cells import NOT_ASCII, ascii_text, cells, element_bytes, form, row_layout
from catalog.formats.fits.shape import FitsShape
from catalog.formats.spool import Spool, require_room
from catalog.formats.writer import Ending, Heading, Row

_BLOCK_BYTES = 2880
_MOST_COLUMNS = 999


class FitsWriter:
    """Writes FITS; NULL is TNULL, NaN, empty text or an empty array, and a boolean's NULL is a zero byte.

    Text is padded to the longest, arrays of one length stand in their rows, others behind the table.
    """

    def __init__(self, spool_folder: Path, max_bytes: int) -> None:
        self._spool = Spool(spool_folder, max_bytes)
        self._max_bytes = max_bytes

    def start(self, columns: Sequence[ColumnMeta], heading: Heading) -> bytes:
        """Give no bytes yet: rows are spooled until the columns' widths are known.

        Raises:
            QueryError: There are more than 999 columns.
        """
        if len(columns) > _MOST_COLUMNS:
            raise QueryError(f"FITS holds {_MOST_COLUMNS} columns, not {len(columns)}")
        self._columns, self._heading, self._n_rows = tuple(columns), heading, 0
        self._shapes = [FitsShape(column) for column in columns]
        self._stream = pa.ipc.new_stream(self._spool, arrow_schema(columns))
        return b""

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Spool some rows, and give no bytes yet."""
        batch = arrow_batch(self._columns, rows)
        arrays = [_in_ascii(values) if values.type == pa.string() else values for values in batch.columns]
        for shape, values in zip(self._shapes, arrays, strict=True):
            shape.see(values)
        self._stream.write_batch(pa.RecordBatch.from_arrays(arrays, schema=batch.schema))
        self._n_rows += len(rows)
        return b""

    def end(self, ending: Ending) -> Iterator[bytes]:
        """Give the whole file."""
        self._stream.close()
        variable = [shape for shape in self._shapes if shape.is_variable]
        heap_bytes = sum(shape.elements * element_bytes(shape.column) for shape in variable)
        layout = row_layout(self._shapes, heap_bytes)
        data_bytes = self._n_rows * layout.itemsize + heap_bytes
        require_room(data_bytes, self._max_bytes)
        header = table_header(self._shapes, layout.itemsize, self._n_rows, heap_bytes, self._heading, ending)
        return self._chunks(primary_header() + header, layout, bool(variable), -data_bytes % _BLOCK_BYTES)

    def close(self) -> None:
        """Remove the spooled rows."""
        self._spool.close()

    def _chunks(
        self, head: bytes, layout: np.dtype[np.void], has_heap: bool, padding: int
    ) -> Iterator[bytes]:
        yield head
        yield from (rows for rows, _ in self._records(layout))
        if has_heap:
            yield from (heap for _, heap in self._records(layout))
        yield bytes(padding)

    def _records(self, layout: np.dtype[np.void]) -> Iterator[tuple[bytes, bytes]]:
        """A batch's rows, and what belongs to them behind the table."""
        self._spool.rewind()
        heap_at = 0
        for batch in pa.ipc.open_stream(self._spool):
            record = np.zeros(len(batch), dtype=layout)
            heap: list[bytes] = []
            for i, shape in enumerate(self._shapes):
                record[str(i)], behind = cells(shape, batch.column(i), heap_at)
                heap_at += len(behind)
                heap.append(behind)
            yield record.tobytes(), b"".join(heap)


def _in_ascii(values: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring_regex(values, NOT_ASCII)).as_py():
        return values
    return pa.array([None if text is None else ascii_text(text) for text in values.to_pylist()], pa.string())


def primary_header() -> bytes:
    """The header of the empty image that every FITS file begins with."""
    cards = [("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)]
    return bytes(fits.Header(cards).tostring().encode("ascii"))


def table_header(
    shapes: Sequence[FitsShape],
    row_bytes: int,
    n_rows: int,
    heap_bytes: int,
    heading: Heading,
    ending: Ending,
) -> bytes:
    """The header of the table: columns (TUCDn and TCOMMn as TOPCAT has them), QUERY, OVERFLOW, any ERROR."""
    header = fits.Header(
        [
            ("XTENSION", "BINTABLE"),
            ("BITPIX", 8),
            ("NAXIS", 2),
            ("NAXIS1", row_bytes),
            ("NAXIS2", n_rows),
            ("PCOUNT", heap_bytes),
            ("GCOUNT", 1),
            ("TFIELDS", len(shapes)),
        ]
    )
    for i, shape in enumerate(shapes, 1):
        for name, value in _column_cards(shape, heap_bytes).items():
            header[f"{name}{i}"] = value
    header["EXTNAME"] = "RESULT"
    header["OVERFLOW"] = (ending.is_cut, "there are more rows than were asked for")
    texts = {"QUERY": heading.query, "ERROR": ending.error}
    for name, text in texts.items():
        if text:
            header[name] = ascii_text(" ".join(text.split()))
    for name, text in heading.info.items():
        header.add_comment(ascii_text(" ".join(f"{name}: {text}".split())))
    return bytes(header.tostring().encode("ascii"))


def _column_cards(shape: FitsShape, heap_bytes: int) -> dict[str, str | int]:
    column = shape.column
    texts = {"TUNIT": column.unit, "TUCD": column.ucd, "TCOMM": column.description}
    cards: dict[str, str | int] = {"TTYPE": ascii_text(column.name), "TFORM": form(shape, heap_bytes)}
    cards |= {name: ascii_text(text) for name, text in texts.items() if text}
    if column.datatype == UNSIGNED_LONG:
        cards["TZERO"] = 2**63
    if shape.null is not None:
        cards["TNULL"] = shape.null - (2**63 if column.datatype == UNSIGNED_LONG else 0)
    return cards
