"""What real labels that are not counts of votes say, as votes: each set's mapping with its reason.

A volunteer's class is a soft vote on the question that it answers and on those on the path to it; nothing is
said of other questions. The numbers of votes are small where a label is the word of few or the crowd's class
is noisy, so that the galaxies with all counts decide how many votes mean what.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from encoder.model.gz_tree import GZD5, load_tree
from encoder.training.labels.summed_answers import SUMMED

Votes = dict[str, NDArray[np.float32]]
"""Votes (n, answers) by the name of the tree."""
_Meaning = tuple[float, Mapping[str, tuple[float, ...]]]
"""How many votes a label is worth on each question that it answers, and their fractions."""

_SAME = (
    "smooth-or-featured",
    "disk-edge-on",
    "has-spiral-arms",
    "how-rounded",
    "edge-on-bulge",
    "spiral-winding",
    "spiral-arm-count",
)
"""Questions that Galaxy Zoo 2 and DECaLS ask in the same words."""
_GZ2 = load_tree("gz2")
_GZ2_COLUMNS = {
    "bulge-size_dominant": "gz2-bulge-prominence_dominant",
    "bulge-size_obvious": "gz2-bulge-prominence_obvious",
    "bulge-size_just-noticeable": "gz2-bulge-prominence_just-noticeable",
    "bulge-size_no": "gz2-bulge-prominence_none",
    "something-odd_yes": "gz2-odd_yes",
    "something-odd_no": "gz2-odd_no",
}
"""Answers that only Galaxy Zoo 2 has: they teach the vectors, the release does not give them."""
_DISTURBED = ("disturbed", "irregular")
_MERGING_VOTES = 0.5
"""A volunteer of Galaxy Zoo 2 names one odd feature of several, and who saw none was not asked of merging."""

_SUMMED = "summed "
"""Before a question's name: its answers are those of `SUMMED`."""
_FEATURED = {"smooth-or-featured": (0.07, 0.91, 0.02)}
_FACE_ON = {"disk-edge-on": (0.03, 0.97)}
_SPIRAL = {**_FEATURED, **_FACE_ON, "has-spiral-arms": (0.93, 0.07)}

_KAGGLE_LARGEST: Mapping[str, _Meaning] = {
    # More voters said smooth than "nothing odd", which nearly everybody says: all but unanimous.
    "smooth": (12.0, {"smooth-or-featured": (0.93, 0.06, 0.01)}),
    "featured-or-disk": (12.0, {"smooth-or-featured": (0.04, 0.95, 0.01)}),
}
_KAGGLE_CLASS: Mapping[str, _Meaning] = {
    # 70 % of the voters at least took each step of the path.
    "elliptical": (6.0, {"smooth-or-featured": (0.84, 0.14, 0.02)}),
    "spiral": (6.0, {**_FEATURED, **_FACE_ON, "has-spiral-arms": (0.90, 0.10)}),
    "edge-spiral": (6.0, {"smooth-or-featured": (0.14, 0.84, 0.02), "disk-edge-on": (0.88, 0.12)}),
    "barred-spiral": (
        6.0,
        {**_FEATURED, **_FACE_ON, "has-spiral-arms": (0.88, 0.12), "summed bar": (0.85, 0.15)},
    ),
}
_GZ1_CLASS: Mapping[str, _Meaning] = {
    # The majority of Galaxy Zoo 1, or the leaf of a few voters: its ellipticals hold S0s and faint disks.
    "elliptical": (2.0, {"smooth-or-featured": (0.76, 0.22, 0.02)}),
    "spiral-clockwise": (3.0, {**_SPIRAL, "smooth-or-featured": (0.18, 0.80, 0.02)}),
    "spiral-anticlockwise": (3.0, {**_SPIRAL, "smooth-or-featured": (0.18, 0.80, 0.02)}),
    "edge-on": (3.0, {"smooth-or-featured": (0.22, 0.75, 0.03), "disk-edge-on": (0.85, 0.15)}),
    "merger": (3.0, {"summed merging": (0.20, 0.35, 0.45)}),
    # Every spiral of Galaxy Zoo 1, those seen from the edge among them: nothing on edge-on or arms.
    "spiral": (3.0, {"smooth-or-featured": (0.15, 0.83, 0.02)}),
}
_GALAXY10: Mapping[str, _Meaning] = {
    # A class of Galaxy10 DECaLS is the clear majority of a path of Galaxy Zoo DECaLS.
    "Unbarred Loose Spiral": (
        5.0,
        {**_SPIRAL, "summed bar": (0.15, 0.85), "spiral-winding": (0.08, 0.32, 0.60)},
    ),
    "Unbarred Tight Spiral": (
        5.0,
        {**_SPIRAL, "summed bar": (0.15, 0.85), "spiral-winding": (0.65, 0.28, 0.07)},
    ),
    "Barred Spiral": (5.0, {**_SPIRAL, "summed bar": (0.88, 0.12)}),
    "Edge-on without Bulge": (
        5.0,
        {**_FEATURED, "disk-edge-on": (0.93, 0.07), "edge-on-bulge": (0.05, 0.85, 0.10)},
    ),
    "Edge-on with Bulge": (
        5.0,
        {**_FEATURED, "disk-edge-on": (0.93, 0.07), "edge-on-bulge": (0.06, 0.14, 0.80)},
    ),
}
_NAIR_STRONG, _NAIR_MEDIUM, _NAIR_WEAK = 2, 4, 8
"""Bits of Nair and Abraham's bar code; others are ansae and nuclear features."""
_NAIR_VOTES = 5.0


def gz2_votes(table: pd.DataFrame) -> Votes:
    """Galaxy Zoo 2's weighted counts of every question.

    Its bar is yes or no, and of what is odd a merger and disturbances answer to GZD-5's merging: both are
    votes on sums of answers. Its bulge is told by prominence and stays a question of Galaxy Zoo 2.
    """
    n = len(table)
    same, own, summed = (
        np.zeros((n, GZD5.n_answers), np.float32),
        np.zeros((n, _GZ2.n_answers), np.float32),
        np.zeros((n, SUMMED.n_answers), np.float32),
    )
    for question in GZD5.questions:
        if question.name in _SAME:
            same[:, question.slice] = table[list(question.labels)].to_numpy(np.float32)
    for label, column in _GZ2_COLUMNS.items():
        own[:, _GZ2.index(label)] = table[column]
    summed[:, SUMMED.index("bar_yes")] = table["gz2-bar_yes"]
    summed[:, SUMMED.index("bar_no")] = table["gz2-bar_no"]
    disturbed = sum(table[f"gz2-odd-feature_{name}"] for name in _DISTURBED)
    merger = table["gz2-odd-feature_merger"]
    summed[:, SUMMED.index("merging_disturbed")] = _MERGING_VOTES * disturbed
    summed[:, SUMMED.index("merging_merger")] = _MERGING_VOTES * merger
    calm = (table["gz2-odd_yes"] + table["gz2-odd_no"] - disturbed - merger).clip(lower=0)
    summed[:, SUMMED.index("merging_none")] = _MERGING_VOTES * calm
    return {"gzd5": same, "gz2": own, SUMMED.name: summed}


def gz2_kaggle(table: pd.DataFrame) -> Votes:
    """The two labels of the Kaggle pictures: which of 37 numbers is largest, and the class of 70 %.

    `not-odd` and `odd` say nothing of smooth or featured; they are votes on Galaxy Zoo 2's own question.
    """
    votes = _nothing(len(table))
    _add(votes, table["largest_of_37"], _KAGGLE_LARGEST)
    _add(votes, table["class_of_70_percent"], _KAGGLE_CLASS)
    for label, answer in (("odd", "something-odd_yes"), ("not-odd", "something-odd_no")):
        votes["gz2"][:, _GZ2.index(answer)] = 5 * (table["largest_of_37"] == label)
    votes[SUMMED.name][:, SUMMED.index("merging_none")] = 3 * (table["largest_of_37"] == "not-odd")
    return votes


def gz1_classes(table: pd.DataFrame) -> Votes:
    """Classes of Galaxy Zoo 1; "don't know" says nothing."""
    votes = _nothing(len(table))
    _add(votes, table["gz1_class"], _GZ1_CLASS)
    return votes


def gz1_spirals(table: pd.DataFrame) -> Votes:
    """Spirals of Galaxy Zoo 1, with the bars of Nair and Abraham and classes of Galaxy10 where there are."""
    votes = _nothing(len(table))
    classed = table["galaxy10_class"].isin(list(_GALAXY10))
    _add(votes, table["galaxy10_class"], _GALAXY10)
    _add(votes, table["gz1_class"].where(~classed), _GZ1_CLASS)
    code = table["nair_bar"].fillna(0).astype(int)
    judged = table["nair_bar"].notna()
    any_bar = judged & (code & (_NAIR_STRONG | _NAIR_MEDIUM | _NAIR_WEAK) > 0)
    bar = votes[SUMMED.name][:, SUMMED.questions[0].slice]
    bar[any_bar.to_numpy()] = np.array([0.85, 0.15]) * _NAIR_VOTES
    bar[(judged & ~any_bar).to_numpy()] = np.array([0.2, 0.8]) * _NAIR_VOTES
    return votes


LABEL_READERS: Mapping[str, Callable[[pd.DataFrame], Votes]] = {
    "gz2_votes": gz2_votes,
    "gz2_kaggle": gz2_kaggle,
    "gz1_classes": gz1_classes,
    "gz1_spirals": gz1_spirals,
}
"""What reads the labels of a set, by the kind of source that configurations name."""


def _nothing(n: int) -> Votes:
    return {tree.name: np.zeros((n, tree.n_answers), np.float32) for tree in (GZD5, _GZ2, SUMMED)}


def _add(votes: Votes, classes: pd.Series, meanings: Mapping[str, _Meaning]) -> None:
    """Add the votes that a class of each galaxy is worth; an unknown class says nothing."""
    for name, (total, questions) in meanings.items():
        rows = np.flatnonzero((classes == name).to_numpy())
        for question, fractions in questions.items():
            tree = SUMMED if question.startswith(_SUMMED) else GZD5
            asked = question.removeprefix(_SUMMED)
            part = next(q.slice for q in tree.questions if q.name == asked)
            votes[tree.name][rows, part] += np.float32(total) * np.array(fractions, np.float32)
