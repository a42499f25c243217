"""Reads a table that came with a query: VOTable, FITS, Parquet, CSV or TSV, whatever it is called."""

import re
from pathlib import Path
from typing import BinaryIO

from catalog.tap.uploads.checks import check_rows, require_columns
from catalog.tap.uploads.error import UploadError
from table_files.arrow.parquet import read_parquet
from table_files.errors import TableError
from table_files.fits.tables import read_fits
from table_files.limits import TableLimits
from table_files.row_table import RowTable
from table_files.text.separated import read_separated
from table_files.votable.tables import read_votable, read_votable_columns

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_XML = (b"<", b"\xff\xfe<", b"\xfe\xff\x00<")


def read_upload(
    content: BinaryIO | Path, content_type: str | None, name: str, limits: TableLimits | None = None
) -> RowTable:
    """Read the columns of a table, and prepare to read its rows.

    Args:
        content: The file, which may be closed once this returns.
        content_type: The media type that the client sent; it only tells TSV from CSV where the first line
            does not.
        name: The table's name in the query, behind TAP_UPLOAD.
        limits: How large the table may be; the defaults where this is None.

    Raises:
        UploadError: One line that says what is wrong with which table; also while its rows are read.
    """
    max_bytes = limits or TableLimits()
    if not _NAME.fullmatch(name):
        raise UploadError(f"{name!r} is no name for a table: letters, digits and _ are, a letter first")
    try:
        table = _read_table(_read_bytes(content, max_bytes.bytes), content_type or "", max_bytes)
        require_columns(table.columns, max_bytes)
    except (UploadError, TableError) as error:
        raise UploadError(f"table {name}: {error}") from None
    return RowTable(table.columns, check_rows(table, name, max_bytes))


def _read_bytes(content: BinaryIO | Path, max_bytes: int) -> bytes:
    if isinstance(content, Path):
        with content.open("rb") as file:
            return _read_bytes(file, max_bytes)
    read = content.read(max_bytes + 1)
    if len(read) > max_bytes:
        raise UploadError(f"it has more than {max_bytes / 1e6:g} MB")
    return read


def _read_table(content: bytes, content_type: str, limits: TableLimits) -> RowTable:
    head = content[:1000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(_XML):
        return read_votable(content, limits.columns, lambda inner: read_fits(inner, limits))
    if head.startswith(b"SIMPLE  ="):
        return read_fits(content, limits)
    if head.startswith(b"PAR1"):
        return read_parquet(content, limits, read_votable_columns)
    if head.startswith(b"\x1f\x8b"):
        raise UploadError("it is compressed: send it as it was before")
    if not head or b"\0" in head:
        raise UploadError("it is empty" if not head else "it is no VOTable, FITS, Parquet, CSV or TSV")
    is_tsv = "tab-separated" in content_type
    return read_separated(content, "\t" if is_tsv else None, limits)
