"""A list of positions in a file of any format, column names and units that astropy reads."""

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units
from astropy.coordinates import Angle
from astropy.io.registry import IORegistryError
from astropy.table import Column, Table
from numpy.typing import NDArray

from catalog.errors import PositionsError

RA_NAMES = (
    "ra",
    "raj2000",
    "_raj2000",
    "ra_icrs",
    "ra_deg",
    "radeg",
    "ra_j2000",
    "alpha_j2000",
    "right_ascension",
)
DEC_NAMES = (
    "dec",
    "dej2000",
    "_dej2000",
    "decj2000",
    "de_icrs",
    "dec_icrs",
    "dec_deg",
    "decdeg",
    "dec_j2000",
    "delta_j2000",
    "declination",
)

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Positions:
    """Positions and the table that they came in.

    Attributes:
        table: The table of n rows that they came in.
        ra_deg: (n,) right ascension, ICRS degrees.
        dec_deg: (n,) declination, ICRS degrees.
    """

    table: Table
    ra_deg: NDArray[np.float64]
    dec_deg: NDArray[np.float64]


def read_positions(path: Path, ra: str | None = None, dec: str | None = None) -> Positions:
    """Read a table of positions: FITS, VOTable, ECSV, CSV, Parquet, or text in columns.

    A column's own unit counts; without one, numbers are degrees, and text such as 10:00:24.1 is hours of
    right ascension and degrees of declination.

    Args:
        path: Path of the file.
        ra: Column of right ascension; None for the first of the usual names, in any case.
        dec: Column of declination; None for the first of the usual names, in any case.

    Raises:
        PositionsError: The file cannot be read, a column is missing, or a row has no position on the sky.
    """
    return extract_positions(read_table(path), str(path), ra, dec)


def extract_positions(table: Table, called: str, ra: str | None = None, dec: str | None = None) -> Positions:
    """The positions of a table that is read already; as `read_positions`.

    Args:
        table: The table, with a row for every position.
        called: How error messages call the table.
        ra: Column of right ascension; None for the first of the usual names, in any case.
        dec: Column of declination; None for the first of the usual names, in any case.

    Raises:
        PositionsError: It has no row, a column is missing, or a row has no position on the sky.
    """
    table = Table(table)  # quantities become columns with units
    if not len(table):
        raise PositionsError(f"{called} has no row")
    ra_column = _column(called, table, ra, RA_NAMES, "right ascension")
    dec_column = _column(called, table, dec, DEC_NAMES, "declination")
    ra_deg = _degrees(called, table[ra_column], units.hourangle)
    dec_deg = _degrees(called, table[dec_column], units.deg)
    for name, degrees, lowest, highest in ((ra_column, ra_deg, -360, 720), (dec_column, dec_deg, -90, 90)):
        for i in np.flatnonzero(~((degrees >= lowest) & (degrees <= highest))).tolist():
            raise PositionsError(f"{called}, row {i + 1}: {name} = {table[name][i]} is nowhere on the sky")
    return Positions(table, ra_deg, dec_deg)


def read_table(path: Path) -> Table:
    """A table in any format that astropy reads.

    Raises:
        PositionsError: It is not there, or in no such format.
    """
    if not path.is_file():
        raise PositionsError(f"{path}: no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of units and headers that do not matter here
            try:
                return Table.read(path)
            except IORegistryError:
                return Table.read(path, format="ascii.csv" if path.suffix.lower() == ".csv" else "ascii")
    except Exception as error:  # every format raises its own
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        if "guess" in reason:
            reason = "it is in no format that astropy knows"
        raise PositionsError(f"{path} cannot be read as a table: {reason}") from error


def _column(called: str, table: Table, wanted: str | None, usual: tuple[str, ...], what: str) -> str:
    there = ", ".join(table.colnames)
    if wanted is not None:
        if wanted not in table.colnames:
            raise PositionsError(f"{called} has no column {wanted!r}, only {there}")
        return wanted
    by_name = {name.lower(): name for name in table.colnames}
    for name in usual:
        if name in by_name:
            return str(by_name[name])
    raise PositionsError(f"{called}: no column is called as {what} usually is; say which of {there} it is")


def _degrees(called: str, column: Column, unit_of_text: units.UnitBase) -> NDArray[np.float64]:
    """A column in degrees, (n,); NaN where it has no value."""
    missing = np.ma.getmaskarray(np.ma.asarray(column))
    try:
        if column.dtype.kind in "US":
            text = np.where(missing, "0", np.asarray(column).astype(str))
            is_number = all(_NUMBER.fullmatch(value.strip()) for value in text.tolist())
            values = Angle(text, unit=column.unit or (units.deg if is_number else unit_of_text)).deg
        elif column.dtype.kind in "fiu":
            numbers = np.ma.asarray(column).filled(0).astype(np.float64)
            values = (numbers * (column.unit or units.deg)).to_value(units.deg)
        else:
            raise PositionsError(f"{called}: column {column.name} holds no angles")
    except (ValueError, TypeError, units.UnitsError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise PositionsError(f"{called}: column {column.name} holds no angles: {reason}") from error
    return np.where(missing, np.nan, values)
