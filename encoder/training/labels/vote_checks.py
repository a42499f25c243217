"""Tables of votes that contradict themselves: fractions that do not sum to 1, more votes than voters."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from encoder.errors import LabelTableError

TOLERANCE = 0.02
"""Of a sum of fractions that were rounded, and of weighted counts."""
ROUNDED = 0.75
"""Galaxy Zoo 2 rounds how many voted to a whole number, and the weighted counts to a tenth each."""
_FRACTION, _TOTAL = "_fraction", "_total-votes"


def check_votes(table: pd.DataFrame, path: Path) -> None:
    """Check every question that has a column `QUESTION_total-votes`, as Galaxy Zoo publishes them.

    Args:
        table: The votes, a row a galaxy, with a column `id`.
        path: Where the table is from, which errors name.

    Raises:
        LabelTableError: Fractions do not sum to 1, a count is negative, or there are more votes than voters;
            the line names the first such row.
    """
    for total in [column for column in table.columns if column.endswith(_TOTAL)]:
        question = total.removesuffix(_TOTAL)
        fractions = [
            column
            for column in table.columns
            if column.startswith(f"{question}_") and column.endswith(_FRACTION)
        ]
        counts = [column.removesuffix(_FRACTION) for column in fractions]
        check_fractions(table, fractions, question, path)
        if set(counts) <= set(table.columns):
            check_counts(table, counts, total, question, path)


def check_fractions(table: pd.DataFrame, columns: list[str], question: str, path: Path) -> None:
    """Refuse a row of which the fractions of a question are there and do not sum to 1."""
    fractions = table[columns].to_numpy(np.float64)
    summed = fractions.sum(axis=1)
    wrong = (fractions > 0).any(axis=1) & (np.abs(summed - 1) > TOLERANCE)
    refuse_rows(wrong, table, path, lambda row: f"fractions of {question} sum to {summed[row]:.3g}, not to 1")


def check_counts(
    table: pd.DataFrame, columns: list[str], total: str | None, question: str, path: Path
) -> None:
    """Refuse a row with a negative count, or with more votes on a question than voters."""
    counts = table[columns].to_numpy(np.float64)
    negative = np.asarray((counts < 0).any(axis=1))
    refuse_rows(negative, table, path, lambda _: f"a negative number of votes on {question}")
    if total is None:
        return
    given, voters = counts.sum(axis=1), table[total].to_numpy(np.float64)
    more = np.asarray(given > voters * (1 + TOLERANCE) + ROUNDED, np.bool_)
    refuse_rows(
        more, table, path, lambda row: f"{given[row]:g} votes on {question} by {voters[row]:g} voters"
    )


def refuse_rows(
    wrong: NDArray[np.bool_], table: pd.DataFrame, path: Path, reason: Callable[[int], str]
) -> None:
    """Raise the error of the first wrong row, which says how many there are."""
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        more = f" ({int(wrong.sum())} such rows)" if wrong.sum() > 1 else ""
        name = table["id"].iloc[row]
        raise LabelTableError(f"label table {path}, row {row}, {name!r}: {reason(row)}{more}")
