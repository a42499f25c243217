"""A few columns of a table, whatever its file format."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.errors import NoRowsError, TileError
from table_files.errors import MissingColumnError, TableError
from table_files.read import read_table
from table_files.table import TableColumn

Columns = Mapping[str, NDArray[np.generic]]
"""By name, (n,): text as str, empty where there is none; floats with NaN where there is no number; whole
numbers and booleans in their own type, masked (numpy.ma) where some have no value."""


def read_columns(path: Path, names: Iterable[str], text: Iterable[str] = ()) -> Columns:
    """Reads the named columns of a table in any format.

    Only what is asked for is read where the format allows, since a Tractor catalogue has 200 columns.

    Args:
        path: Path of the table.
        names: Names of the columns to read; the same name twice is read once.
        text: Names of the columns to keep as text even where they look like numbers: `007` is an id, not 7.

    Raises:
        TileError: The file or a column is missing, unreadable, truncated, or the table has no rows.
    """
    wanted, kept = list(dict.fromkeys(names)), set(text)
    if not path.is_file():
        raise TileError(f"{path}: the catalogue is missing")
    try:
        table = read_table(path, wanted, texts=kept)
    except MissingColumnError as error:
        raise TileError(str(error)) from error
    except TableError as error:
        reason = str(error).removeprefix(f"{path}: ")
        kind = "FITS" if ".fits" in path.name else "table"
        said = reason if reason.startswith("truncated") else f"unreadable {kind}: {reason}"
        raise TileError(f"{path}: {said}") from error
    if not table.n_rows:
        raise NoRowsError(f"{path}: the catalogue has no rows")
    return {name: _plain(table[name], path, is_text=name in kept) for name in wanted}


def float_column(columns: Columns, name: str, path: Path) -> NDArray[np.float64]:
    """One column as numbers, (n,); NaN where there is none.

    Raises:
        TileError: The column holds something else than numbers; the line names the first such row.
    """
    values = columns[name]
    try:
        numbers = np.ma.getdata(values).astype(np.float64)
        return np.where(np.ma.getmaskarray(values), np.nan, numbers)
    except ValueError:
        for row, value in enumerate(values):
            try:
                float(str(value) or "nan")
            except ValueError:
                raise TileError(f"{path}: row {row}: {name} is {str(value)!r}, not a number") from None
        return np.array([float(str(value) or "nan") for value in values])


def _plain(column: TableColumn, path: Path, *, is_text: bool) -> NDArray[np.generic]:
    if column.is_array:
        raise TileError(f"{path}: column {column.name} has several values a row")
    if is_text or column.is_text:
        texts = np.char.strip(column.values.astype(np.str_))
        return np.where(column.missing, "", texts)
    masked = column.to_masked()
    is_masked = column.missing.any() and column.values.dtype.kind != "f"
    return masked if is_masked else np.asarray(masked.data)
