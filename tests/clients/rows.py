"""Rows of an astropy table as SQL gives them, to compare whole results."""

import numpy as np
from astropy.table import Table

Rows = list[tuple[object, ...]]


def rows_of(table: Table) -> Rows:
    """Every row; None where a value is missing. Single-precision numbers equal those of Postgres' `real`.

    Arrays are compared in single precision.
    """
    return [tuple(_plain(row[name]) for name in table.colnames) for row in table]


def sql_rows(rows: Rows) -> Rows:
    """The same of rows that psycopg gave."""
    return [tuple(_plain(value) for value in row) for row in rows]


def _plain(value: object) -> object:
    if value is np.ma.masked or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    if isinstance(value, list | np.ndarray):
        return tuple(np.asarray(value, np.float32).tolist())  # astropy makes doubles of some
    return value.decode() if isinstance(value, bytes) else value
