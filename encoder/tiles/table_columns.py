"""A few columns of a table, whatever its file format."""

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from astropy.table import Column, MaskedColumn, Table
from astropy.utils.exceptions import AstropyWarning
from numpy.typing import NDArray

from encoder.errors import NoRowsError, TileError
from encoder.tiles.fits_files import open_fits

Columns = Mapping[str, NDArray[np.generic]]
"""By name, (n,): text as str, numbers as float64 with NaN where empty, whole numbers and booleans kept."""

EMPTY = ("", "NA", "N/A", "nan", "NaN", "null", "None", "--")
"""What counts as no value in a CSV column of numbers; ids are never empty by their text."""
MAX_NAMES_SHOWN = 12
"""Column names that an error lists."""


def read_columns(path: Path, names: Iterable[str], text: Iterable[str] = ()) -> Columns:
    """Reads the named columns of a FITS table, a CSV file, or anything else that astropy reads.

    Only what is asked for is read, since a Tractor catalogue has 200 columns.

    Args:
        path: the table.
        names: columns to read; the same name twice is read once.
        text: those to keep as text even where they look like numbers: `007` is an id, not 7.

    Raises:
        TileError: the file or a column is missing, unreadable, truncated, or the table has no rows.
    """
    wanted, kept = list(dict.fromkeys(names)), set(text)
    if not path.is_file():
        raise TileError(f"{path}: the catalogue is missing")
    if ".fits" in path.name:
        columns = _read_fits(path, wanted)
    elif path.name.endswith((".csv", ".csv.gz")):
        columns = _read_csv(path, wanted, kept)
    else:
        columns = _read_other(path, wanted)
    if not len(next(iter(columns.values()))):
        raise NoRowsError(f"{path}: the catalogue has no rows")
    return {name: _as_text(values) if name in kept else values for name, values in columns.items()}


def float_column(columns: Columns, name: str, path: Path) -> NDArray[np.float64]:
    """One column as numbers, (n,).

    Raises:
        TileError: it holds something else; names the first row.
    """
    values = columns[name]
    try:
        return values.astype(np.float64)
    except ValueError:
        for row, value in enumerate(values):
            try:
                float(str(value) or "nan")
            except ValueError:
                raise TileError(f"{path}: row {row}: {name} is {str(value)!r}, not a number") from None
        return np.array([float(str(value) or "nan") for value in values])


def _read_fits(path: Path, names: list[str]) -> dict[str, NDArray[np.generic]]:
    with open_fits(path) as file:
        table = next((hdu for hdu in file if getattr(hdu, "columns", None) is not None), None)
        if table is None:
            raise TileError(f"{path}: holds no table")
        _check_names(path, names, table.columns.names)
        data = table.data
        return {name: _plain(np.array(data.field(name)), name, path) for name in names}


def _read_csv(path: Path, names: list[str], text: set[str]) -> dict[str, NDArray[np.generic]]:
    try:
        header = [str(name).strip() for name in pd.read_csv(path, nrows=0).columns]
        _check_names(path, names, header)
        frame = pd.read_csv(
            path,
            header=0,
            names=header,
            usecols=names,
            dtype=dict.fromkeys(text & set(names), str),
            keep_default_na=False,
            na_values={name: [] if name in text else list(EMPTY) for name in names},
            skipinitialspace=True,
            low_memory=False,
        )
    except (OSError, ValueError, EOFError) as error:  # pandas' parser errors are ValueErrors
        raise TileError(f"{path}: unreadable table: {_line(error)}") from error
    return {name: _plain(_from_series(frame[name]), name, path) for name in names}


def _read_other(path: Path, names: list[str]) -> dict[str, NDArray[np.generic]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)  # of how other programs wrote it
            table = Table.read(path)
    except Exception as error:  # each of astropy's formats raises its own
        raise TileError(f"{path}: unreadable table: {_line(error)}") from error
    _check_names(path, names, table.colnames)
    return {name: _plain(_from_column(table[name]), name, path) for name in names}


def _from_series(values: "pd.Series[Any]") -> NDArray[np.generic]:
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return np.asarray(values)
    return np.array(["" if pd.isna(value) else str(value) for value in values], dtype=np.str_)


def _from_column(values: Column | MaskedColumn) -> NDArray[np.generic]:
    if isinstance(values, MaskedColumn):
        if values.dtype.kind in "if" and values.mask.any():
            return np.asarray(values.astype(np.float64).filled(np.nan))
        return np.asarray(values.filled("" if values.dtype.kind in "SUO" else values.fill_value))
    return np.asarray(values)


def _plain(values: NDArray[np.generic], name: str, path: Path) -> NDArray[np.generic]:
    if values.ndim != 1:
        raise TileError(f"{path}: column {name} has several values a row")
    if values.dtype.kind == "S":
        return np.char.decode(values.astype(np.bytes_), "utf-8", "replace")
    return values.astype(values.dtype.newbyteorder("="))


def _as_text(values: NDArray[np.generic]) -> NDArray[np.generic]:
    return np.char.strip(values.astype(str))


def _check_names(path: Path, names: list[str], known: list[str]) -> None:
    missing = [name for name in names if name not in known]
    if missing:
        shown = ", ".join(known[:MAX_NAMES_SHOWN]) + " ..." * (len(known) > MAX_NAMES_SHOWN)
        raise TileError(f"{path}: no column {missing[0]!r}; it has {shown}")


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
