"""Reads a table from a file in any format, told by what is in it: one table, whatever it is for."""

import gzip
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from table_files.choice import OpenTable, choose_tables, split_choice
from table_files.errors import MissingColumnError, TableError
from table_files.open_tables import open_tables
from table_files.table import FileTable, TableColumn, list_names, make_table

_GZIP = b"\x1f\x8b"


def read_table(
    path: Path,
    names: Sequence[str] | None = None,
    *,
    texts: Collection[str] = (),
    accept: Callable[[Sequence[str]], bool] | None = None,
) -> FileTable:
    """Read a table: FITS, VOTable, ECSV, CSV, TSV, Parquet, or anything else that astropy reads.

    Of the tables of one file those count that have the columns which are asked for. Where these are several
    with the same columns, their rows follow one another, as in a file with a table for each chip. A path such
    as `list.fits#2` or `list.fits#SOURCES` chooses one table by its number, from 1, or its name. Nothing that
    a file refers to is ever fetched.

    Args:
        path: The file; it may be compressed by gzip.
        names: The columns to read; None for all whose kind of value can be read.
        texts: Columns to keep as text where a format does not say their type: `007` is an id, not 7.
        accept: Whether a table with columns of these names is one that is wanted; None for any.

    Returns:
        The table, whose notes say which tables and columns of the file were left out.

    Raises:
        TableError: One line: the file is missing or damaged, a column is missing, or several tables differ.
    """
    file, chosen = split_choice(path)
    if not file.is_file():
        raise TableError(f"{file}: {'it is a folder: name a file' if file.is_dir() else 'no such file'}")
    try:
        choice = choose_tables(open_tables(file, _read_bytes(file), set(texts)), chosen, names, accept)
        table = _join(path, choice.tables, names)
        return replace(table, notes=tuple(f"{path}: {note}" for note in (*choice.notes, *table.notes)))
    except TableError as error:
        reason = str(error)
        raise type(error)(reason if reason.startswith(str(path)) else f"{path}: {reason}") from None


def _read_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP) else content
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"{path} cannot be read: {' '.join(str(error).split())}") from None


def _join(path: Path, tables: list[OpenTable], names: Sequence[str] | None) -> FileTable:
    first = tables[0]
    there = list(first.column_names)
    unreadable = dict(first.unreadable) if names is None else {}
    asked = [name for name in dict.fromkeys(there if names is None else names) if name not in unreadable]
    for name in asked:
        if name not in there:
            raise MissingColumnError(f"no column {name!r}; it has {list_names(there)}")
        if there.count(name) > 1:
            raise TableError(f"two columns are called {name!r}: rename one")
    if not asked and unreadable:
        raise TableError(f"none of its columns can be read: {_list_unreadable(unreadable)}")
    columns = [_join_column([table.read(name) for table in tables]) for name in asked]
    if len({table.frame for table in tables}) > 1:
        raise TableError("its tables have positions in different frames: write each to a file of its own")
    table = make_table(str(path), columns, sum(table.n_rows for table in tables), first.frame)
    notes = [note for table in tables for note in table.notes]
    if unreadable:
        notes.append(f"columns left out: {_list_unreadable(unreadable)}")
    return replace(table, notes=tuple(dict.fromkeys(notes)))


def _list_unreadable(unreadable: dict[str, str]) -> str:
    return ", ".join(f"{name} {why}" for name, why in unreadable.items())


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
    return replace(first, values=values, missing=missing)
