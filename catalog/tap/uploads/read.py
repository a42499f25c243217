"""Reads a table that came with a query: VOTable, FITS, Parquet, ECSV, CSV or TSV, whatever it is called."""

import re
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from catalog.tap.uploads.checks import check_rows, require_columns
from catalog.tap.uploads.error import UploadError
from catalog.tap.uploads.position import note_frames, require_icrs
from table_files.arrow.parquet import read_parquet
from table_files.astropy_table import typed_format
from table_files.errors import TableError
from table_files.file_kind import decode_text, find_kind
from table_files.fits.tables import read_fits
from table_files.limits import TableLimits
from table_files.row_table import RowTable
from table_files.text.separated import read_separated
from table_files.typed_text import read_typed_text
from table_files.votable.tables import read_votable, read_votable_columns

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_COMPRESSED = "it is compressed: send it as it was before"
_NO_KIND = "it is no VOTable, FITS, Parquet, ECSV, CSV or TSV"


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
        require_icrs(table)
        table = note_frames(table)
    except (UploadError, TableError) as error:
        raise UploadError(f"table {name}: {error}") from None
    return replace(table, rows=check_rows(table, name, max_bytes))


def require_small(content: bytes, limits: TableLimits) -> None:
    """Refuse a file that unpacks to more than is wanted, before anything reads it whole; texts do not unpack.

    Raises:
        UploadError: It is too large, compressed, or no table.
        TableError: The file is damaged.
    """
    kind = find_kind(content)
    if kind in {"votable", "fits", "parquet"}:
        try:
            for _ in check_rows(_read_table(content, "", limits), "", limits):
                pass
        except UploadError as error:
            raise UploadError(str(error).removeprefix("table : ")) from None
    elif kind != "text":
        raise UploadError(_COMPRESSED if kind == "gzip" else _NO_KIND)


def _read_bytes(content: BinaryIO | Path, max_bytes: int) -> bytes:
    if isinstance(content, Path):
        with content.open("rb") as file:
            return _read_bytes(file, max_bytes)
    read = content.read(max_bytes + 1)
    if len(read) > max_bytes:
        raise UploadError(f"it has more than {max_bytes / 1e6:g} MB")
    return read


def _read_table(content: bytes, content_type: str, limits: TableLimits) -> RowTable:
    kind = find_kind(content)
    if kind == "votable":
        return read_votable(content, limits.columns, lambda inner: read_fits(inner, limits))
    if kind == "fits":
        return read_fits(content, limits)
    if kind == "parquet":
        return read_parquet(content, limits, read_votable_columns)
    if kind != "text":
        raise UploadError(_COMPRESSED if kind == "gzip" else _NO_KIND)
    text = decode_text(content)
    if typed_format(text) is not None:
        return read_typed_text(text, limits)
    return read_separated(text.encode(), "\t" if "tab-separated" in content_type else None, limits)
