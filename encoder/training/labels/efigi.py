"""Expert attributes as votes: what volunteers would have answered about an EFIGI galaxy.

The mapping is data, `trees/efigi_votes.toml`; this file only reads it along the attributes.
"""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from encoder.errors import LabelTableError, TrainingError
from encoder.model.gz_tree import Tree, load_tree

RINGS = ("Inner_Ring", "Outer_Ring", "Pseudo_Ring")
RINGED = 0.5
_TYPES = (-6.0, 11.0)
_UNKNOWN = -1.0  # what EFIGI writes for an attribute that cannot be judged
_FULL_WIDTH = {"T": 8.0}  # an interval this wide halves the votes; 1 for the attributes, which are 0..1
_ANSWERS = 10.0
_ANSWER_SPREAD = 0.5  # of a step between answers: nobody is surer
_WIDTHS = 3.0  # standard deviations in an expert's interval
_NO_TRAITS = {"Arm_Rotation", "Contamination"}
_SETTINGS = {"question", "attribute", "at"}


@dataclass(frozen=True)
class AttributeTable:
    """Vote fractions of one question along one attribute.

    Attributes:
        question: Name of the question as the tree spells it.
        attribute: Column of the EFIGI table.
        at: Values of the attribute, (k,), rising.
        fractions: Shares of the answers at each value, (k, n_answers of the question).
    """

    question: str
    attribute: str
    at: NDArray[np.float64]
    fractions: NDArray[np.float64]

    def along(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fractions at attribute values, (n, n_answers); NaN where the attribute is unknown."""
        columns = [np.interp(values, self.at, column) for column in self.fractions.T]
        known = values != _UNKNOWN if self.attribute != "T" else np.isfinite(values)
        return np.where(known[:, None], np.stack(columns, axis=1), np.nan)


def attribute_votes(attributes: pd.DataFrame, tree: Tree) -> NDArray[np.float32]:
    """Votes of every answer for galaxies with expert attributes.

    The total is that of the mapping for a question that everybody is asked and experts were sure of. It
    falls along the tree with the share of volunteers who get there, and to half with the width of the
    experts' confidence interval. A question whose attribute is unknown has no votes, nor have those after it.

    Args:
        attributes: One row a galaxy, the columns `T`, `T_inf`, `T_sup`, ... of the EFIGI catalogue.
        tree: The tree that the votes are to answer.

    Returns:
        Votes on each answer, (n, n_answers).

    Raises:
        TrainingError: A column is missing.
    """
    mapping = _load_mapping(tree)
    fractions = np.full((len(attributes), tree.n_answers), np.nan)
    certainty = np.ones((len(attributes), len(tree.questions)))
    for i, question in enumerate(tree.questions):
        tables = [table for table in mapping.tables if table.question == question.name]
        if not tables:
            continue
        evidence = np.prod([t.along(_column(attributes, t.attribute)) for t in tables], axis=0)
        fractions[:, question.slice] = evidence / evidence.sum(axis=1, keepdims=True)
        certainty[:, i] = np.min([_certainty(attributes, t.attribute) for t in tables], axis=0)
    totals = mapping.total_votes * tree.proportion_asked(fractions.astype(np.float32)) * certainty
    sizes = [len(question.answers) for question in tree.questions]
    votes = np.nan_to_num(fractions * np.repeat(totals, sizes, axis=1))
    rounded: NDArray[np.float32] = votes.astype(np.float32)
    return rounded


def attribute_columns() -> list[str]:
    """Every column of the EFIGI catalogue that is read here."""
    mapping = _load_mapping(load_tree("gzd5"))
    names = [table.attribute for table in mapping.tables]
    names += [question.name for question in load_tree("efigi").questions]
    bounded = [f"{name}{bound}" for name in dict.fromkeys(names) for bound in ("", "_inf", "_sup")]
    return list(dict.fromkeys([*bounded, *RINGS]))


def check_attributes(attributes: pd.DataFrame, path: Path) -> None:
    """Refuse what the EFIGI catalogue cannot hold: types are -6..11, attributes 0..1, or -1 for unknown.

    Args:
        attributes: Expert attributes, one row a galaxy, with the columns that `attribute_votes` needs.
        path: Path of the table, which an error names.

    Raises:
        LabelTableError: A value is out of range; the first row is named.
    """
    for name in dict.fromkeys([*(q.name for q in load_tree("efigi").questions), *RINGS]):
        low, high = _TYPES if name == "T" else (_UNKNOWN, 1.0)
        wrong = np.flatnonzero((attributes[name] < low) | (attributes[name] > high))
        if len(wrong):
            value = attributes[name].iloc[wrong[0]]
            raise LabelTableError(
                f"label table {path}, row {wrong[0]}: {name} = {value:g} is not in {low:g}..{high:g}"
            )


def hide_attributes(attributes: pd.DataFrame, left_out: Collection[str]) -> pd.DataFrame:
    """The table with some attributes unknown for every galaxy.

    Args:
        attributes: Expert attributes, one row a galaxy, with the columns that `attribute_votes` needs.
        left_out: Names of the attributes to hide; `T` cannot be one.

    Raises:
        TrainingError: An attribute is not one that can be unknown.
    """
    known = {question.name for question in load_tree("efigi").questions} - {"T"}
    for name in left_out:
        if name not in known:
            raise TrainingError(f"source efigi: without: {name!r} is not one of {', '.join(sorted(known))}")
    return attributes.assign(**dict.fromkeys(left_out, _UNKNOWN))


def stratified_test_mask(attributes: pd.DataFrame, share: float) -> NDArray[np.bool_]:
    """The galaxies that are kept for tests: of ringed and of other galaxies the same share.

    Which ones is a hash of the name, so the same on every machine and in every run.

    Args:
        attributes: One row a galaxy, the columns `PGCname` and those of `RINGS`.
        share: Share of the galaxies to keep for tests, 0..1.

    Returns:
        Whether each galaxy is tested on, (n,).

    Raises:
        TrainingError: A column is missing.
    """
    ringed = has_ring(attributes)
    order = np.argsort([blake2b(name.encode(), digest_size=8).digest() for name in attributes["PGCname"]])
    kept = np.zeros(len(attributes), np.bool_)
    for stratum in (ringed, ~ringed):
        members = order[stratum[order]]
        kept[members[: round(share * len(members))]] = True
    return kept


def has_ring(attributes: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether any of the three ring attributes is 0.5 or more, (n,)."""
    ringed: NDArray[np.bool_] = np.any([_column(attributes, name) >= RINGED for name in RINGS], axis=0)
    return ringed


def attribute_answers(attributes: pd.DataFrame, tree: Tree) -> NDArray[np.float32]:
    """The expert attributes themselves as votes in the tree `efigi`, whose answers are attribute values.

    Ten votes a question, spread about the expert's value as widely as the expert's interval; none where the
    attribute is unknown.

    Args:
        attributes: One row a galaxy, each question a column with its `_inf` and `_sup`.
        tree: The tree of questions called `efigi`.

    Returns:
        Votes on each answer, (n, n_answers).

    Raises:
        TrainingError: A column is missing.
    """
    votes = np.zeros((len(attributes), tree.n_answers), np.float32)
    for question in tree.questions:
        at = np.array([float(answer) for answer in question.answers])
        value = _column(attributes, question.name)
        width = _column(attributes, f"{question.name}_sup") - _column(attributes, f"{question.name}_inf")
        spread = np.maximum(_ANSWER_SPREAD * (at[1] - at[0]), width / _WIDTHS)
        weight = np.exp(-0.5 * ((at - value[:, None]) / spread[:, None]) ** 2)
        known = np.isfinite(value) if question.name == "T" else value != _UNKNOWN
        votes[known, question.slice] = (_ANSWERS * weight / weight.sum(axis=1, keepdims=True))[known]
    return votes


def attribute_values(attributes: pd.DataFrame, tree: Tree) -> NDArray[np.float32]:
    """The expert attributes as traits that say how alike two galaxies are.

    Args:
        attributes: One row a galaxy, each question a column.
        tree: `efigi`, whose first and last answers become 0 and 1.

    Returns:
        Values of the attributes, (n, 12): all but the sense in which the arms wind, which a mirrored picture
        changes, and the stars in front, which are not the galaxy's; NaN where the attribute is unknown.

    Raises:
        TrainingError: A column is missing.
    """
    columns = []
    for question in (q for q in tree.questions if q.name not in _NO_TRAITS):
        first, last = float(question.answers[0]), float(question.answers[-1])
        value = _column(attributes, question.name)
        known = np.isfinite(value) if question.name == "T" else value != _UNKNOWN
        columns.append(np.where(known, (value - first) / (last - first), np.nan))
    return np.stack(columns, axis=1).astype(np.float32)


@dataclass(frozen=True)
class _Mapping:
    total_votes: float
    tables: tuple[AttributeTable, ...]


def _load_mapping(tree: Tree) -> _Mapping:
    text = (resources.files("encoder") / "trees" / "efigi_votes.toml").read_text()
    raw = tomllib.loads(text)
    return _Mapping(float(raw["total_votes"]), tuple(_table(t, tree) for t in raw["table"]))


def _table(raw: dict[str, Any], tree: Tree) -> AttributeTable:
    question = next(q for q in tree.questions if q.name == raw["question"])
    if set(raw) - _SETTINGS != set(question.answers):
        raise TrainingError(f"efigi_votes.toml: wrong answers of {question.name} by {raw['attribute']}")
    fractions = np.array([raw[answer] for answer in question.answers], dtype=np.float64).T
    return AttributeTable(question.name, raw["attribute"], np.array(raw["at"], np.float64), fractions)


def _certainty(attributes: pd.DataFrame, name: str) -> NDArray[np.float64]:
    width = _column(attributes, f"{name}_sup") - _column(attributes, f"{name}_inf")
    sure: NDArray[np.float64] = 1 - 0.5 * np.clip(width / _FULL_WIDTH.get(name, 1.0), 0, 1)
    return sure


def _column(attributes: pd.DataFrame, name: str) -> NDArray[np.float64]:
    if name not in attributes:
        raise TrainingError(f"the EFIGI table has no column {name!r}")
    return attributes[name].to_numpy(np.float64)
