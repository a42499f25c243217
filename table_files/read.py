"""Reads a table from a file in any format, told by what is in it: one table, whatever it is for."""

import gzip
import io
import zlib
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from table_files.arrow.column import convert_arrow_column
from table_files.arrow.unpack_parquet import VOTABLE
from table_files.astropy_table import read_astropy, typed_format
from table_files.column_meta import ColumnMeta
from table_files.errors import MissingColumnError, TableError
from table_files.fits.tables import FitsTable, find_tables, read_fits, refuse_damage
from table_files.frame import Frame
from table_files.limits import UNLIMITED
from table_files.row_table import RowTable
from table_files.table import FileTable, TableColumn, list_names, make_table, pack_values
from table_files.text.cell_types import type_cells
from table_files.text.separated import read_cells, split_head
from table_files.votable.tables import VotableTable, read_votable_columns, read_votable_tables

_XML = (b"<?xml", b"<VOTABLE", b"<vot:", b"\xff\xfe<", b"\xfe\xff\x00<")
_GZIP = b"\x1f\x8b"
_SEPARATED = (".csv", ".tsv", ".tab")
_ASTROPY = b"table_meta_yaml"
_HEAD = 4000
_DTYPES = {"boolean": "?", "short": "i2", "int": "i4", "long": "i8", "float": "f4", "double": "f8"}


@dataclass(frozen=True, eq=False)
class _OpenTable:
    """A table of a file, of which the columns are read when they are wanted.

    Attributes:
        name: What the file calls it; empty where it has no name.
        column_names: The names of its columns, in their order.
        n_rows: How many rows it has.
        frame: The frame of its positions; None where none is declared.
        read: Reads a column by its name.
    """

    name: str
    column_names: Sequence[str]
    n_rows: int
    frame: Frame | None
    read: Callable[[str], TableColumn]


def read_table(
    path: Path,
    names: Sequence[str] | None = None,
    *,
    texts: Collection[str] = (),
    accept: Callable[[Sequence[str]], bool] | None = None,
) -> FileTable:
    """Read a table: FITS, VOTable, ECSV, CSV, TSV, Parquet, or anything else that astropy reads.

    Of the tables of one file those count that have the columns which are asked for. Where these are several
    with the same columns, their rows follow one another, as in a file with a table for each chip. Nothing
    that a file refers to is ever fetched.

    Args:
        path: The file; it may be compressed by gzip.
        names: The columns to read; None for all.
        texts: Columns to keep as text where a format does not say their type: `007` is an id, not 7.
        accept: Whether a table with columns of these names is one that is wanted; None for any.

    Raises:
        TableError: One line: the file is missing or damaged, a column is missing, or several tables differ.
    """
    if not path.is_file():
        raise TableError(f"{path}: no such file")
    try:
        tables = _open_tables(path, _read_bytes(path), set(texts))
        return _join(path, _choose(tables, names, accept), names)
    except TableError as error:
        reason = str(error)
        raise type(error)(reason if reason.startswith(str(path)) else f"{path}: {reason}") from None


def _read_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP) else content
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"{path} cannot be read: {' '.join(str(error).split())}") from None


def _open_tables(path: Path, content: bytes, texts: set[str]) -> list[_OpenTable]:
    head = content[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(_XML):
        return [_open_votable(table) for table in read_votable_tables(content, _read_inner_fits)]
    if head.startswith(b"SIMPLE  ="):
        return _open_fits(path, content)
    if head.startswith(b"PAR1"):
        return [_open_parquet(path, content)]
    if not head:
        raise TableError("it is empty")
    if b"\0" in head:
        return [_open_whole(read_astropy(path, None))]
    return _open_text(path, content, texts)


def _open_text(path: Path, content: bytes, texts: set[str]) -> list[_OpenTable]:
    text = content.decode("utf-8-sig", "replace")
    is_typed = typed_format(text) is not None
    if _is_separated(path) and not is_typed:
        return [_open_separated(content, texts)]
    if not is_typed:
        with suppress(TableError):  # a text of another name may be one too
            if len(split_head(content, None).names) > 1:
                return [_open_separated(content, texts)]
    return [_open_whole(read_astropy(path, text))]


def _is_separated(path: Path) -> bool:
    """Whether a file is called as CSV and TSV are."""
    return path.name.lower().removesuffix(".gz").endswith(_SEPARATED)


def _choose(
    tables: list[_OpenTable],
    names: Sequence[str] | None,
    accept: Callable[[Sequence[str]], bool] | None,
) -> list[_OpenTable]:
    """The tables that are wanted, which all have the same columns.

    Raises:
        TableError: No table has the columns, or several do that differ in others.
    """
    wanted = [
        table
        for table in tables
        if set(names or ()) <= set(table.column_names) and (accept is None or accept(table.column_names))
    ]
    if not wanted and len(tables) == 1:
        wanted = tables  # whoever asks for a column says what is missing
    if not wanted:
        raise MissingColumnError(f"none of its {len(tables)} tables has the columns: {_describe(tables)}")
    columns = {tuple(names or table.column_names) for table in wanted}
    if len(columns) > 1:
        raise TableError(
            f"it has {len(wanted)} tables with different columns: {_describe(wanted)}; "
            "write the one that is meant to a file of its own"
        )
    return wanted


def _describe(tables: list[_OpenTable]) -> str:
    return "; ".join(
        f"{i}{f' ({table.name})' if table.name else ''}: {list_names(table.column_names)}"
        for i, table in enumerate(tables, 1)
    )


def _join(path: Path, tables: list[_OpenTable], names: Sequence[str] | None) -> FileTable:
    first = tables[0]
    asked = list(dict.fromkeys(first.column_names if names is None else names))
    if names is None and len(asked) < len(first.column_names):
        twice = next(name for name in asked if list(first.column_names).count(name) > 1)
        raise TableError(f"two columns are called {twice!r}: rename one")
    for name in asked:
        if name not in first.column_names:
            raise MissingColumnError(f"no column {name!r}; it has {list_names(first.column_names)}")
    columns = [_join_column([table.read(name) for table in tables]) for name in asked]
    if len({table.frame for table in tables}) > 1:
        raise TableError("its tables have positions in different frames: write each to a file of its own")
    return make_table(str(path), columns, sum(table.n_rows for table in tables), first.frame)


def _join_column(parts: list[TableColumn]) -> TableColumn:
    first = parts[0]
    if len(parts) == 1:
        return first
    kinds = {"number" if part.values.dtype.kind in "iuf" else part.values.dtype.kind for part in parts}
    if len(kinds) > 1 or len({(part.unit, part.frame) for part in parts}) > 1:
        raise TableError(f"column {first.name} differs between its tables: write each to a file of its own")
    values = np.concatenate([part.values for part in parts])
    if values.dtype.kind == "f" and any(part.values.dtype.kind in "iu" for part in parts):
        raise TableError(f"column {first.name} is whole numbers in one of its tables and not in another")
    missing = np.concatenate([part.missing for part in parts])
    return TableColumn(first.name, values, missing, first.unit, first.description, first.frame)


def _open_fits(path: Path, content: bytes) -> list[_OpenTable]:
    with refuse_damage():
        try:
            return [_open_fits_table(table) for table in find_tables(content, must_be_whole=True)]
        except TableError as error:
            if "no binary table" not in str(error) or b"XTENSION= 'TABLE" not in content:
                raise
    return [_open_whole(read_astropy(path, None))]  # a table of text within FITS


def _open_fits_table(table: FitsTable) -> _OpenTable:
    def read(name: str) -> TableColumn:
        with refuse_damage():
            return table.read_column(name)

    name = str(table.header.get("EXTNAME", ""))
    return _OpenTable(name, table.column_names, table.n_rows, table.frame, read)


def _read_inner_fits(content: bytes) -> RowTable:
    return read_fits(content, UNLIMITED)


def _open_votable(table: VotableTable) -> _OpenTable:
    names = [field.meta.name for field in table.fields]

    def read(name: str) -> TableColumn:
        at = names.index(name)
        meta = table.fields[at].meta
        values, missing = _pack(meta, [row[at] for row in table.rows])
        return TableColumn(name, values, missing, meta.unit, meta.description, table.frames[at])

    return _OpenTable(table.name, names, len(table.rows), None, read)


def _pack(meta: ColumnMeta, values: list[object]) -> tuple[np.ndarray, np.ndarray]:
    if meta.is_text or meta.is_array:
        return pack_values(values, is_text=meta.is_text)
    for dtype in (_DTYPES[meta.datatype], "i8", "u8"):
        try:
            packed, missing = pack_values(values, dtype=dtype)
        except OverflowError:
            continue
        return packed, missing | np.isnan(packed) if packed.dtype.kind == "f" else missing
    raise TableError(f"column {meta.name} has a whole number of more than 64 bits")


def _open_parquet(path: Path, content: bytes) -> _OpenTable:
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        schema = file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"it is no Parquet that can be read: {str(error).splitlines()[0]}") from None
    if _ASTROPY in (schema.metadata or {}):  # whose masks and times lie in columns of their own
        return _open_whole(read_astropy(path, None))
    about = (schema.metadata or {}).get(VOTABLE)
    known = {meta.name: meta for meta in read_votable_columns(about)} if about else {}

    def read(name: str) -> TableColumn:
        try:
            column = file.read(columns=[name])[name]
        except (pa.ArrowException, OSError) as error:
            raise TableError(f"column {name} cannot be read: {str(error).splitlines()[0]}") from None
        meta = known.get(name, ColumnMeta(name, "char"))
        return convert_arrow_column(name, column, meta.unit, meta.description)

    return _OpenTable("", schema.names, file.metadata.num_rows, None, read)


def _open_separated(content: bytes, texts: set[str]) -> _OpenTable:
    cells = read_cells(content, None, UNLIMITED, texts)

    def read(name: str) -> TableColumn:
        column = cells.column(cells.schema.get_field_index(name))
        typed = column if name in texts else type_cells(column)
        if pa.types.is_string(typed.type):  # few programs tell empty text from none
            typed = pc.if_else(pc.equal(typed, ""), None, typed)
        return convert_arrow_column(name, typed)

    return _OpenTable("", cells.schema.names, cells.num_rows, None, read)


def _open_whole(table: FileTable) -> _OpenTable:
    return _OpenTable("", list(table.columns), table.n_rows, table.frame, table.__getitem__)
