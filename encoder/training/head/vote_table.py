"""A table of volunteers' votes with pictures, as an astronomer has it, checked before anything is learnt.

A row a galaxy: its id, its picture, and for each question of Galaxy Zoo DECaLS that was asked a column of
counts for every answer (`smooth-or-featured_smooth`), or of fractions (`smooth-or-featured_smooth_fraction`)
beside `smooth-or-featured_total-votes`. Whether there is a bar may be told by `gz2-bar_yes` and `gz2-bar_no`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from encoder.cutouts.image_list import list_images
from encoder.errors import ImageError, LabelTableError
from encoder.model.gz_tree import GZD5
from encoder.training.campaigns import Campaigns
from encoder.training.labels.label_tables import read_labels, require_unique
from encoder.training.labels.summed_answers import SUMMED
from encoder.training.labels.vote_checks import check_counts, check_fractions, refuse_rows
from table_files.errors import TableError
from table_files.read import read_table

MIN_GALAXIES = 50
_ID, _IMAGE = "id", "image"
CAMPAIGNS = Campaigns((GZD5,))


@dataclass(frozen=True)
class VoteTable:
    """Galaxies with volunteers' votes and a picture each.

    Attributes:
        ids: Names of the n galaxies.
        files: Path of each galaxy's picture.
        votes: Counts as `Campaigns.votes` of GZD-5 gives them, (n, n_columns).
        questions: The questions that were asked.
    """

    ids: Sequence[str]
    files: Sequence[Path]
    votes: NDArray[np.float32]
    questions: tuple[str, ...]


@dataclass(frozen=True)
class _Question:
    name: str
    prefix: str
    answers: tuple[str, ...]
    columns: slice

    def labels(self, ending: str = "") -> list[str]:
        return [f"{self.prefix}_{answer}{ending}" for answer in self.answers]


def read_vote_table(path: Path, folder: Path) -> VoteTable:
    """Read votes and find the pictures.

    Args:
        path: The table, of any kind that is read elsewhere too.
        folder: Folder of the pictures; a column `image` names them, else they are called by the id.

    Raises:
        LabelTableError: A column or picture is missing, a row has more votes than voters, fractions do not
            sum to 1, all votes are for one answer, or fewer than 50 galaxies have votes; the line names it.
    """
    header = _header(path)
    asked = [question for question in _questions() if _has(question, header, path)]
    if not asked:
        wanted = ", ".join(GZD5.questions[0].labels)
        raise LabelTableError(f"label table {path} has no question of Galaxy Zoo DECaLS: no column {wanted}")
    numbers = [label for question in asked for label in _columns(question, header)]
    texts = [_IMAGE] if _IMAGE in header else []
    table = require_unique(read_labels(path, _ID, numbers, texts), _ID, path)
    votes = np.zeros((len(table), CAMPAIGNS.n_columns), np.float32)
    for question in asked:
        votes[:, question.columns] = _counts(question, table, header, path)
    _check_worth(votes, asked, path)
    files = _files(table, folder, path)
    return VoteTable(table[_ID].tolist(), files, votes, tuple(question.name for question in asked))


def _questions() -> list[_Question]:
    own = [_Question(q.name, q.name, q.answers, q.slice) for q in GZD5.questions]
    bar = next(question for question in SUMMED.questions if question.name == "bar")
    start = GZD5.n_answers + bar.start
    return [*own, _Question("bar", "gz2-bar", bar.answers, slice(start, start + len(bar.answers)))]


def _header(path: Path) -> set[str]:
    if not path.is_file():
        raise LabelTableError(f"no label table {path}")
    try:
        header = set(read_table(path).columns)
    except TableError as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise LabelTableError(f"label table {path} cannot be read: {reason}") from error
    if _ID not in header:
        raise LabelTableError(f"label table {path} has no column {_ID!r}")
    return header


def _has(question: _Question, header: set[str], path: Path) -> bool:
    """Whether a question was asked; one of whose answers some have columns must have them all."""
    for ending in ("", "_fraction"):
        there = [label for label in question.labels(ending) if label in header]
        if there and len(there) < len(question.answers):
            missing = next(label for label in question.labels(ending) if label not in header)
            raise LabelTableError(f"label table {path} has {there[0]} and no column {missing!r}")
    fractions = set(question.labels("_fraction")) <= header
    if fractions and not set(question.labels()) <= header and _total(question) not in header:
        raise LabelTableError(
            f"label table {path} has fractions of {question.prefix} and not how many voted: no column "
            f"{_total(question)!r}"
        )
    return fractions or set(question.labels()) <= header


def _columns(question: _Question, header: set[str]) -> list[str]:
    every = [*question.labels(), *question.labels("_fraction"), _total(question)]
    return [label for label in every if label in header]


def _total(question: _Question) -> str:
    return f"{question.prefix}_total-votes"


def _counts(question: _Question, table: pd.DataFrame, header: set[str], path: Path) -> NDArray[np.float64]:
    """Counts of the answers, (n, answers), after every row has been checked."""
    total = _total(question) if _total(question) in header else None
    fractions = question.labels("_fraction")
    if set(fractions) <= header:
        check_fractions(table, fractions, question.prefix, path)
    if set(question.labels()) <= header:
        check_counts(table, question.labels(), total, question.prefix, path)
        counts: NDArray[np.float64] = table[question.labels()].to_numpy(np.float64)
        return counts
    if not set(fractions) <= header or total is None:
        raise TypeError(f"{question.prefix} has neither counts nor fractions")
    shared: NDArray[np.float64] = table[fractions].to_numpy(np.float64) * table[[total]].to_numpy(np.float64)
    return shared


def _check_worth(votes: NDArray[np.float32], asked: Sequence[_Question], path: Path) -> None:
    """Refuse what no head can learn from."""
    voted = int(votes.any(axis=1).sum())
    if voted < MIN_GALAXIES:
        raise LabelTableError(
            f"label table {path}: {voted} galaxies have votes, at least {MIN_GALAXIES} are needed"
        )
    answered = [int((votes[:, question.columns].sum(axis=0) > 0).sum()) for question in asked]
    if max(answered) < 2:  # noqa: PLR2004 - two answers
        only = next(q for q, n in zip(asked, answered, strict=True) if n)
        answer = only.labels()[int(votes[:, only.columns].sum(axis=0).argmax())]
        raise LabelTableError(f"label table {path}: all votes are {answer}: there is nothing to tell apart")


def _files(table: pd.DataFrame, folder: Path, path: Path) -> list[Path]:
    if _IMAGE in table:
        files = [folder / name for name in table[_IMAGE]]
        missing = np.array([not file.is_file() for file in files])
        refuse_rows(missing, table, path, lambda row: f"no picture {files[row]}")
        return files
    try:
        found = {image.id: image.path for image in list_images([folder])}
    except ImageError as error:
        raise LabelTableError(f"label table {path}: {error}") from error
    missing = np.array([name not in found for name in table[_ID]])
    refuse_rows(missing, table, path, lambda _: f"no picture of that name in {folder}")
    return [found[name] for name in table[_ID]]
