"""Opens the tables of a file of any kind; their columns are read when they are wanted."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from table_files.arrow.column import convert_arrow_column
from table_files.arrow.unpack_parquet import VOTABLE
from table_files.astropy_table import read_text_table, typed_format
from table_files.choice import OpenTable
from table_files.column_meta import ColumnMeta
from table_files.errors import TableError
from table_files.file_kind import decode_text, find_kind
from table_files.fits.tables import FitsTable, find_tables, read_fits, refuse_damage
from table_files.fits.text_tables import read_text_tables
from table_files.limits import UNLIMITED
from table_files.read_apart import read_astropy_apart, read_parquet_apart
from table_files.row_table import RowTable
from table_files.table import FileTable, TableColumn, pack_values
from table_files.text.cell_types import type_cells
from table_files.text.head import split_head
from table_files.text.separated import UNIT, read_cells
from table_files.votable.tables import VotableTable, read_votable_frames, read_votable_tables

_SEPARATED = (".csv", ".tsv", ".tab")
_BINARY = {
    ".fits": "FITS",
    ".fit": "FITS",
    ".fts": "FITS",
    ".parquet": "Parquet",
    ".h5": "HDF5",
    ".hdf5": "HDF5",
}
"""How names end of files that are no text."""
_ASTROPY = b"table_meta_yaml"
_DTYPES = {"boolean": "?", "short": "i2", "int": "i4", "long": "i8", "float": "f4", "double": "f8"}


def open_tables(path: Path, content: bytes, texts: set[str]) -> list[OpenTable]:
    """Open all tables of a file.

    Args:
        path: The file, whose name tells CSV and TSV from other texts.
        content: Its bytes, unpacked where they were compressed.
        texts: Columns to keep as text where a format does not say their type.

    Raises:
        TableError: It is no table, or damaged.
    """
    kind = find_kind(content)
    if kind == "votable":
        return [_open_votable(table) for table in read_votable_tables(content, _read_inner_fits)]
    if kind == "fits":
        return _open_fits(content)
    if kind == "parquet":
        return [_open_parquet(path, content)]
    if kind == "hdf5":
        return [_open_whole(read_astropy_apart(path))]
    if kind == "gzip":
        raise TableError("it is compressed twice: unpack it")
    try:
        text = decode_text(content)
    except TableError:
        promised = _BINARY.get(Path(path.name.lower().removesuffix(".gz")).suffix)
        if promised is None:
            raise
        raise TableError(
            f"it does not begin as {promised} does, which its name promises: get it anew"
        ) from None
    return _open_text(path, text, texts)


def _open_text(path: Path, text: str, texts: set[str]) -> list[OpenTable]:
    if typed_format(text) is None:
        content = text.encode()
        if path.name.lower().removesuffix(".gz").endswith(_SEPARATED):
            return [_open_separated(content, texts)]
        with suppress(TableError):  # a text of another name may be one too
            if len(split_head(content, None).names) > 1:
                return [_open_separated(content, texts)]
    return [_open_whole(read_text_table(str(path), text))]


def _open_fits(content: bytes) -> list[OpenTable]:
    with refuse_damage():
        tables = [_open_fits_table(table) for table in find_tables(content)]
        texts = [
            _open_whole(table, name) for name, table in read_text_tables(content)
        ]  # tables of text within FITS
    if not tables and not texts:
        raise TableError("it has no table")
    return [*tables, *texts]


def _open_fits_table(table: FitsTable) -> OpenTable:
    def read(name: str) -> TableColumn:
        with refuse_damage():
            return table.read_column(name)

    name = str(table.header.get("EXTNAME", ""))
    return OpenTable(name, table.column_names, table.n_rows, table.frame, read, table.unreadable)


def _read_inner_fits(content: bytes) -> RowTable:
    return read_fits(content, UNLIMITED)


def _open_votable(table: VotableTable) -> OpenTable:
    names = [field.meta.name for field in table.fields]
    unreadable = tuple((field.meta.name, field.unreadable) for field in table.fields if field.unreadable)

    def read(name: str) -> TableColumn:
        at = names.index(name)
        field = table.fields[at]
        if field.unreadable:
            raise TableError(f"column {name} {field.unreadable}")
        values, missing = _pack(field.meta, [row[at] for row in table.rows])
        meta = field.meta
        return TableColumn(
            name, values, missing, meta.unit, meta.description, frame=table.frames[at], ucd=meta.ucd
        )

    return OpenTable(table.name, names, len(table.rows), None, read, unreadable, table.notes)


def _pack(meta: ColumnMeta, values: Sequence[object]) -> tuple[np.ndarray, np.ndarray]:
    if meta.is_text or meta.is_array:
        return pack_values(values, is_text=meta.is_text)
    for dtype in (_DTYPES[meta.datatype], "i8", "u8"):
        try:
            packed, missing = pack_values(values, dtype=dtype)
        except OverflowError:
            continue
        return packed, missing | np.isnan(packed) if packed.dtype.kind == "f" else missing
    raise TableError(f"column {meta.name} has a whole number of more than 64 bits")


def _open_parquet(path: Path, content: bytes) -> OpenTable:
    table = read_parquet_apart(path, content)
    metadata = table.schema.metadata or {}
    if _ASTROPY in metadata:  # whose masks and times lie in columns of their own
        return _open_whole(read_astropy_apart(path, "parquet"))
    about = metadata.get(VOTABLE)
    known = {meta.name: (meta, frame) for meta, frame in read_votable_frames(about)} if about else {}

    def read(name: str) -> TableColumn:
        meta, frame = known.get(name, (ColumnMeta(name, "char"), None))
        column = convert_arrow_column(name, table[name], meta.unit, meta.description)
        return replace(column, ucd=meta.ucd, frame=frame)

    return OpenTable("", table.schema.names, table.num_rows, None, read)


def _open_separated(content: bytes, texts: set[str]) -> OpenTable:
    cells = read_cells(content, None, UNLIMITED, texts)

    def read(name: str) -> TableColumn:
        at = cells.schema.get_field_index(name)
        column = cells.column(at)
        typed = column if name in texts else type_cells(column)
        if pa.types.is_string(typed.type):  # few programs tell empty text from none
            typed = pc.if_else(pc.equal(typed, ""), None, typed)
        return convert_arrow_column(name, typed, cells.schema.field(at).metadata[UNIT].decode())

    return OpenTable("", cells.schema.names, cells.num_rows, None, read)


def _open_whole(table: FileTable, name: str = "") -> OpenTable:
    return OpenTable(name, list(table.columns), table.n_rows, table.frame, table.__getitem__)
