"""Which columns of a table are votes on the catalogue's questions, and the counts in them, checked by row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.errors import VotesError
from catalog.questions import QUESTIONS
from table_files.table import FileTable

SUM_TOLERANCE = 0.02
"""By how much the fractions of a question may miss 1: they are rounded where they are published."""
_ROUNDED, _ROUNDED_TOTAL = 0.05, 0.5
"""By how much a weighted count may be rounded up, and the number of its voters down, which is whole."""


@dataclass(frozen=True)
class QuestionVotes:
    """Votes on one question, of every row of a table.

    Attributes:
        question: The question as the catalogue's columns spell it.
        counts: Votes for each answer, (n, k); weighted tables have parts of votes.
    """

    question: str
    counts: NDArray[np.float64]


def read_votes(table: FileTable) -> tuple[list[QuestionVotes], list[str]]:
    """The votes of a table, as Galaxy Zoo publishes them: QUESTION_ANSWER, with dashes or underscores.

    Without counts, QUESTION_ANSWER_fraction and the voters in QUESTION_total-votes are taken. Where there are
    both counts and voters, no row may have more votes than voters.

    Args:
        table: A table with a row for each galaxy, as it was read from a file.

    Returns:
        The questions that it has every answer of, and a line for each that it has in part.

    Raises:
        VotesError: It has no question whole, or a row's votes cannot be: the first is named.
    """
    names = _spelled_names(table)
    found, partial = [], []
    for question, answers in QUESTIONS.items():
        counts = [names.get(f"{question}_{answer}") for answer in answers]
        fractions = [names.get(f"{question}_{answer}_fraction") for answer in answers]
        voters = names.get(f"{question}_total_votes")
        if (whole := _all(counts)) is not None:
            found.append(QuestionVotes(question, _read_counts(table, question, whole, voters)))
        elif (whole := _all(fractions)) is not None:
            found.append(QuestionVotes(question, _read_fractions(table, question, whole, voters)))
        elif any(counts) or any(fractions):
            there = counts if any(counts) else fractions
            lacking = next(answer for answer, name in zip(answers, there, strict=True) if name is None)
            partial.append(f"{question}: no column {question}_{lacking}")
    if not found:
        first = f": {partial[0]}" if partial else ""
        raise VotesError(
            f"{table.label} has not all answers of any question{first}; columns of votes are called as "
            "smooth-or-featured_smooth, smooth-or-featured_featured-or-disk, smooth-or-featured_artifact"
        )
    return found, partial


def _spelled_names(table: FileTable) -> dict[str, str]:
    """The table's columns by their names with underscores and in small letters."""
    names: dict[str, str] = {}
    for name in table.columns:
        spelled = name.strip().lower().replace("-", "_")
        first = names.setdefault(spelled, name)
        if first != name and any(spelled.startswith(f"{question}_") for question in QUESTIONS):
            raise VotesError(f"{table.label}: columns {first} and {name} mean the same votes: drop one")
    return names


def _all(names: Sequence[str | None]) -> list[str] | None:
    whole = [name for name in names if name is not None]
    return whole if len(whole) == len(names) else None


def _read_counts(
    table: FileTable, question: str, names: list[str], voters: str | None
) -> NDArray[np.float64]:
    counts = np.stack([_numbers(table, name) for name in names], axis=1)
    if voters is not None:
        total = _numbers(table, voters)
        more = counts.sum(axis=1) > total + _ROUNDED_TOTAL + _ROUNDED * len(names)
        _refuse_rows(
            table, more, lambda i: f"{counts[i].sum():g} votes on {question}, but {total[i]:g} voters"
        )
    return counts


def _read_fractions(
    table: FileTable, question: str, names: list[str], voters: str | None
) -> NDArray[np.float64]:
    if voters is None:
        raise VotesError(
            f"{table.label}: fractions of {question} without a column {question}_total-votes, which says of "
            "how many voters they are"
        )
    fractions = np.stack([_numbers(table, name) for name in names], axis=1)
    total, sums = _numbers(table, voters), fractions.sum(axis=1)
    wrong = (total > 0) & (np.abs(sums - 1) > SUM_TOLERANCE)
    _refuse_rows(table, wrong, lambda i: f"the fractions of {question} sum to {sums[i]:g}, not to 1")
    return fractions * total[:, None]


def _numbers(table: FileTable, name: str) -> NDArray[np.float64]:
    """A column of counts or fractions; what is missing is 0: nobody was asked."""
    column = table[name]
    if column.missing.all():
        return np.zeros(table.n_rows)
    if column.values.dtype.kind not in "iufb":
        raise VotesError(f"{table.label}: column {name} holds no numbers")
    values = column.values.astype(np.float64)
    numbers = np.where(column.missing | np.isnan(values), 0.0, values)
    wrong = ~((numbers >= 0) & np.isfinite(numbers))
    _refuse_rows(table, wrong, lambda i: f"{name} = {numbers[i]:g} is no number of votes")
    return numbers


def _refuse_rows(table: FileTable, wrong: NDArray[np.bool_], reason: Callable[[int], str]) -> None:
    rows = np.flatnonzero(wrong).tolist()
    if rows:
        others = f" (and {len(rows) - 1} more rows like it)" if len(rows) > 1 else ""
        raise VotesError(f"{table.label}, row {rows[0] + 1}: {reason(rows[0])}{others}")
