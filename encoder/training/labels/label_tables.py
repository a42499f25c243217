"""Label tables as they come: the columns that must be there, and numbers where numbers are wanted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from encoder.errors import LabelTableError
from table_files.errors import MissingColumnError, TableError
from table_files.read import read_table
from table_files.table import TableColumn


def read_labels(
    path: Path, name: str, numbers: Sequence[str], texts: Sequence[str] = (), empty: float = 0
) -> pd.DataFrame:
    """A CSV or Parquet table of labels, one row a galaxy.

    Args:
        path: Path of the table.
        name: Column that names the galaxy.
        numbers: Columns that must hold numbers.
        texts: Further columns to read, whose values are kept as text.
        empty: The value of a number that is not given; by default 0, no votes.

    Raises:
        LabelTableError: The table or a column is missing, it has no rows, or a value is no number.
    """
    if not path.is_file():
        raise LabelTableError(f"no label table {path}")
    wanted = list(dict.fromkeys([name, *texts, *numbers]))
    try:
        read = read_table(path, wanted, texts=[name, *texts])
    except MissingColumnError as error:
        raise LabelTableError(f"label table {path} has {_reason(error, path)}") from error
    except TableError as error:
        raise LabelTableError(f"label table {path} cannot be read: {_reason(error, path)}") from error
    table = pd.DataFrame(
        {column: _series(read[column], is_text=column in {name, *texts}) for column in wanted}
    )
    if table.empty:
        raise LabelTableError(f"label table {path} has no rows")
    for column in (name, *texts):
        if table[column].isna().any():
            row = int(np.flatnonzero(table[column].isna())[0])
            raise LabelTableError(f"label table {path}, row {row}: no {column}")
    for column in numbers:
        table[column] = _number_column(table, column, path).fillna(empty)
    return table


def require_unique(table: pd.DataFrame, name: str, path: Path) -> pd.DataFrame:
    """The table, if no galaxy is in it twice.

    Raises:
        LabelTableError: One is; it is named.
    """
    twice = table[name].duplicated()
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        raise LabelTableError(f"label table {path}, row {row}: {table[name].iloc[row]!r} occurs twice")
    return table


def vote_counts(table: pd.DataFrame, columns: Sequence[str], path: Path) -> NDArray[np.float32]:
    """Vote counts, (n, columns).

    Raises:
        LabelTableError: A count is negative or not whole; the row and column are named.
    """
    counts = table[list(columns)].to_numpy(np.float64)
    wrong = (counts < 0) | (counts != np.round(counts))
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        value = counts[row, column]
        raise LabelTableError(
            f"label table {path}, row {row}: {columns[column]} = {value:g} is no vote count"
        )
    return counts.astype(np.float32)


def _reason(error: TableError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")


def _series(column: TableColumn, *, is_text: bool) -> "pd.Series[Any]":
    """Names as text, None where there is none; numbers as floats, and what is none as it is."""
    given = np.ma.getdata(column.to_masked())
    if not is_text and given.dtype.kind in "biuf":
        return pd.Series(np.where(column.missing, np.nan, given.astype(np.float64)))
    if not is_text:
        return pd.Series(column.to_list(), dtype=object)
    texts = np.where(column.missing, "", np.char.strip(given.astype(np.str_)))
    return pd.Series([text or None for text in texts.tolist()], dtype="string")


def _number_column(table: pd.DataFrame, column: str, path: Path) -> "pd.Series[float]":
    given = table[column]
    numbers = pd.to_numeric(given, errors="coerce")
    wrong = np.asarray((numbers.isna() & given.notna()) | np.isinf(numbers.to_numpy(np.float64)))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        value = str(given.iloc[row])
        raise LabelTableError(f"label table {path}, row {row}: {column} = {value!r} is no number")
    real: pd.Series[float] = numbers.astype(np.float64)
    return real
