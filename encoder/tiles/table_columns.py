"""A few columns of a table, whatever its file format."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from astropy import units
from numpy.typing import NDArray

from encoder.errors import NoRowsError, TileError
from table_files.angle import column_to_degrees, find_number_unit, has_sexagesimal
from table_files.choice import split_choice
from table_files.errors import MissingColumnError, TableError
from table_files.frame import NEARLY_ICRS, convert_to_icrs
from table_files.read import read_table
from table_files.sky.column_frame import find_frame
from table_files.table import FileTable, TableColumn

Columns = Mapping[str, NDArray[np.generic]]
"""By name, (n,): text as str, empty where there is none; floats with NaN where there is no number; whole
numbers and booleans in their own type, masked (numpy.ma) where some have no value."""


class NotedColumns(dict[str, NDArray[np.generic]]):
    """Columns by name, and what of their file was left out.

    Attributes:
        notes: A line for each thing that was left out.
    """

    notes: tuple[str, ...] = ()


def read_columns(
    path: Path,
    names: Iterable[str],
    text: Iterable[str] = (),
    position: tuple[str, str] | None = None,
) -> NotedColumns:
    """Reads the named columns of a table in any format.

    Only what is asked for is read where the format allows, since a Tractor catalogue has 200 columns.

    Args:
        path: Path of the table.
        names: Names of the columns to read; the same name twice is read once.
        text: Names of the columns to keep as text even where they look like numbers: `007` is an id, not 7.
        position: Names of the columns of right ascension and declination, which come in ICRS degrees whatever
            their unit, spelling and frame in the file. FK5 of J2000, within 0.03 arcsec of ICRS, is taken for
            it, as that of images is. None where no column is one.

    Raises:
        TileError: The file or a column is missing, unreadable, truncated, or the table has no rows.
    """
    wanted, kept = list(dict.fromkeys(names)), set(text)
    if not split_choice(path)[0].is_file():
        raise TileError(f"{path}: the catalogue is missing")
    try:
        table = read_table(path, wanted, texts=kept)
    except MissingColumnError as error:
        raise TileError(str(error)) from error
    except TableError as error:
        reason = str(error).removeprefix(f"{path}: ")
        kind = "FITS" if ".fits" in path.name else "table"
        said = (
            reason if reason.startswith(("truncated", "column ", "its ")) else f"unreadable {kind}: {reason}"
        )
        raise TileError(f"{path}: {said}") from error
    try:
        turned = {} if position is None else _turn_to_icrs(table, *position)
    except TableError as error:
        raise TileError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
    if not table.n_rows:
        raise NoRowsError(f"{path}: the catalogue has no rows")
    columns = NotedColumns(
        (name, turned[name] if name in turned else _plain(table[name], path, is_text=name in kept))
        for name in wanted
    )
    columns.notes = table.notes
    return columns


def _turn_to_icrs(table: FileTable, ra: str, dec: str) -> dict[str, NDArray[np.generic]]:
    """The positions in ICRS degrees, by column, where the file does not have them so already."""
    columns = table[ra], table[dec]
    frame = find_frame(table, ra, dec)
    is_icrs = frame is None or str(frame) in NEARLY_ICRS
    are_degrees = all(
        not has_sexagesimal(one) and find_number_unit(one) in (None, units.deg) for one in columns
    )
    if not table.n_rows or (is_icrs and are_degrees):
        return {}
    is_ra = frame is None or frame.system != "galactic"
    degrees = column_to_degrees(columns[0], is_ra=is_ra), column_to_degrees(columns[1], is_ra=False)
    ra_deg, dec_deg = convert_to_icrs(*degrees, None if is_icrs else frame)
    return {ra: ra_deg, dec: dec_deg}


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
