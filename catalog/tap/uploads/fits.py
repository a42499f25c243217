"""Reads the first binary table of a FITS file (FITS 4.0, section 7.3)."""

import io
import warnings
from collections.abc import Iterator

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from catalog.formats.writer import Row
from catalog.tap.uploads.fits_column import FitsColumn, parse_fits_column
from catalog.tap.uploads.uploaded import MAX_IN_CELL, UploadedTable, UploadError, UploadLimits

_BATCH_ROWS = 1_000
_UNPACKED = 10
"""How many times larger than the most that may be sent the texts of a file may be: several may be one."""


def read_fits(content: bytes, limits: UploadLimits) -> UploadedTable:
    """Read the first binary table of a file.

    Args:
        content: The bytes of the file.
        limits: How large the table may be.

    Raises:
        UploadError: It is no FITS, has no binary table, is cut off, or a column cannot be stored.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cards that do not matter here
            return _read_table(content, *_find_table(content), limits)
    except UploadError:
        raise
    except Exception as error:  # noqa: BLE001 - astropy raises many
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UploadError(f"it is no FITS that can be read: {reason}") from None


def _read_table(content: bytes, header: fits.Header, start: int, limits: UploadLimits) -> UploadedTable:
    n_rows, n_columns = int(header["NAXIS2"]), int(header["TFIELDS"])
    if n_columns > limits.columns:
        raise UploadError(f"it has more than {limits.columns} columns")
    columns = [parse_fits_column(header, i) for i in range(1, n_columns + 1)]
    layout = np.dtype([(str(i), column.dtype, column.shape) for i, column in enumerate(columns)])
    if layout.itemsize != header["NAXIS1"] or not layout.itemsize:
        raise UploadError(f"its columns take {layout.itemsize} bytes, and by its header {header['NAXIS1']}")
    if not 0 <= n_rows * layout.itemsize <= len(content) - start:
        raise UploadError("it ends before its last row")
    record = np.frombuffer(content, dtype=layout, count=n_rows, offset=start)
    heap = content[start + max(0, int(header.get("THEAP", n_rows * layout.itemsize))) :]
    _require_few(columns, record, limits)
    return UploadedTable(tuple(column.meta for column in columns), _read_rows(columns, record, heap))


def _require_few(columns: list[FitsColumn], record: NDArray[np.void], limits: UploadLimits) -> None:
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
            raise UploadError(f"column {column.meta.name}: an array of more than {MAX_IN_CELL:,} numbers")
    if n_numbers > limits.values:
        raise UploadError(f"it has more than {limits.values:,} values")
    if n_characters > _UNPACKED * limits.bytes:
        raise UploadError(f"its texts have more than {_UNPACKED * limits.bytes / 1e6:g} MB")


def _find_table(content: bytes) -> tuple[fits.Header, int]:
    """Its header, and where its data begin."""
    with fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
        for hdu in hdus:
            if hdu.header.get("XTENSION") == "BINTABLE":
                return hdu.header, hdu.fileinfo()["datLoc"]
    raise UploadError("it has no binary table")


def _read_rows(columns: list[FitsColumn], record: NDArray[np.void], heap: bytes) -> Iterator[Row]:
    for at in range(0, len(record), _BATCH_ROWS):
        batch = record[at : at + _BATCH_ROWS]
        values = [column.values(batch[str(i)], heap) for i, column in enumerate(columns)]
        yield from zip(*values, strict=True)
