"""A list of galaxies in a file: by object_id, or by position."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.constants import NEAR_ARCSEC
from catalog.errors import PositionsError
from catalog.neighbours.many import ids_with_vector
from catalog.search.crossmatch import match
from catalog.search.positions import locate_rows
from table_files.errors import TableError
from table_files.positions import has_positions
from table_files.read import read_table

ID_COLUMN = "object_id"
_ID = re.compile(r"-?\d{1,20}")
_ID_END = 2**63


@dataclass(frozen=True)
class GalaxyList:
    """The galaxies that a file names.

    Attributes:
        object_ids: object_ids in the order of the file, each once.
        unmatched: Rows, from 1, whose galaxy the catalogue does not have, or has without a vector.
        notes: What of the file was left out, a line each.
    """

    object_ids: NDArray[np.int64]
    unmatched: list[int]
    notes: tuple[str, ...]


def read_galaxy_list(
    connection: psycopg.Connection,
    path: Path,
    *,
    ra: str | None = None,
    dec: str | None = None,
    radius_arcsec: float = NEAR_ARCSEC,
) -> GalaxyList:
    """Read a list of galaxies: by object_id where the file has it, else the nearest to each position.

    Args:
        connection: Open connection to the catalogue.
        path: A table in any format that galcat reads.
        ra: Column of right ascension; None for the first of the usual names.
        dec: Column of declination; None for the first of the usual names.
        radius_arcsec: How near a galaxy must be to its position, in arcseconds.

    Raises:
        PositionsError: The file cannot be read, or a row names no galaxy and no position on the sky.
    """
    try:
        table = read_table(path, accept=lambda names: ID_COLUMN in names or has_positions(names))
    except TableError as error:
        raise PositionsError(str(error)) from None
    if ID_COLUMN not in table.columns or ra is not None or dec is not None:
        found = match(connection, locate_rows(table, ra, dec), radius_arcsec, ())
        return GalaxyList(np.array(found.object_ids, np.int64), found.unmatched, found.notes)
    ids = [_parse(path, row, value) for row, value in enumerate(table[ID_COLUMN].to_list(), start=1)]
    known = ids_with_vector(connection, ids)
    unmatched = [row for row, one in enumerate(ids, start=1) if one not in known]
    there = [one for one in dict.fromkeys(ids) if one in known]
    return GalaxyList(np.array(there, np.int64), unmatched, table.notes)


def _parse(path: Path, row: int, value: object) -> int:
    text = str(value).strip()
    if not isinstance(value, int | str) or not _ID.fullmatch(text) or not -_ID_END <= int(text) < _ID_END:
        raise PositionsError(f"{path}, row {row}: {ID_COLUMN} {value!r} is no whole number of 64 bits")
    return int(text)
