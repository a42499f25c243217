"""A list of positions, in a file of any format or a table of astropy."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from catalog.errors import PositionsError
from table_files.astropy_table import from_astropy
from table_files.errors import TableError
from table_files.positions import has_positions
from table_files.positions import read_positions as find_positions
from table_files.read import read_table
from table_files.table import FileTable


@dataclass(frozen=True)
class Positions:
    """Positions and the table that they came in.

    Attributes:
        table: The table of n rows that they came in.
        ra_deg: (n,) right ascension, ICRS degrees.
        dec_deg: (n,) declination, ICRS degrees.
    """

    table: FileTable
    ra_deg: NDArray[np.float64]
    dec_deg: NDArray[np.float64]


def read_positions(path: Path, ra: str | None = None, dec: str | None = None) -> Positions:
    """Read a table of positions: FITS, VOTable, ECSV, CSV, Parquet, or text in columns.

    A column's own unit counts; without one, numbers are degrees, and text such as 10:00:24.1 is hours of
    right ascension and degrees of declination. Where the file declares another frame than ICRS (COOSYS,
    RADESYS, EQUINOX), the positions are converted.

    Args:
        path: Path of the file.
        ra: Column of right ascension; None for the first of the usual names, in any case.
        dec: Column of declination; None for the first of the usual names, in any case.

    Raises:
        PositionsError: The file cannot be read, a column is missing, or a row has no position on the sky.
    """
    wanted = {name for name in (ra, dec) if name is not None}
    try:
        table = read_table(
            path,
            accept=lambda names: wanted <= set(names) and (len(wanted) == 2 or has_positions(names)),  # noqa: PLR2004 - both
        )
    except TableError as error:
        raise PositionsError(str(error)) from None
    return locate_rows(table, ra, dec)


def extract_positions(table: Table, called: str, ra: str | None = None, dec: str | None = None) -> Positions:
    """The positions of a table of astropy; as `read_positions`.

    Args:
        table: The table, with a row for every position.
        called: How error messages call the table.
        ra: Column of right ascension; None for the first of the usual names, in any case.
        dec: Column of declination; None for the first of the usual names, in any case.

    Raises:
        PositionsError: It has no row, a column is missing, or a row has no position on the sky.
    """
    return locate_rows(from_astropy(table, called), ra, dec)


def locate_rows(table: FileTable, ra: str | None = None, dec: str | None = None) -> Positions:
    """The positions of the rows of a table that is read already; as `read_positions`.

    Args:
        table: The table that holds the positions.
        ra: Column of right ascension; None for the first of the usual names, in any case.
        dec: Column of declination; None for the first of the usual names.

    Raises:
        PositionsError: It has no row, a column is missing, or a row has no position on the sky.
    """
    if not table.n_rows:
        raise PositionsError(f"{table.label} has no row")
    try:
        found = find_positions(table, ra, dec)
    except TableError as error:
        reason = str(error)
        raise PositionsError(
            reason if reason.startswith(table.label) else f"{table.label}: {reason}"
        ) from None
    for name, degrees, lowest, highest in (
        (found.ra_name, found.ra_deg, -360, 720),
        (found.dec_name, found.dec_deg, -90, 90),
    ):
        for i in np.flatnonzero(~((degrees >= lowest) & (degrees <= highest))).tolist():
            said = "has no value: fill it in, or leave the row out"
            if not np.isnan(degrees[i]):
                value = table.columns[name].values[i] if name in table.columns else degrees[i]
                said = f"= {value} is nowhere on the sky"
            raise PositionsError(f"{table.label}, row {i + 1}: {name} {said}")
    if found.note:
        table = replace(table, notes=(*table.notes, f"{table.label}: {found.note}"))
    return Positions(table, found.ra_deg, found.dec_deg)
