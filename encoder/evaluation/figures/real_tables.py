"""The figures on real galaxies as tables: votes, learning curves, classes, DECaLS."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from encoder.evaluation.figures.contenders import Contender
from encoder.evaluation.sets.real import VoteSet
from encoder.evaluation.sets.real_labels import NAMED_EDGE_ON, ClassedSet, CountedSet
from encoder.model.encoder import EncodedPictures
from encoder.model.gz_tree import GZD5
from encoder.training.head.scales import min_votes
from encoder.training.head.vote_figures import (
    CAMPAIGNS,
    SUMMED_BAR,
    Constant,
    Interval,
    area_under_curve,
    bootstrap,
    constant_of_folds,
    constant_of_others,
    error_ratio,
    is_judged,
    question_columns,
    vote_figures,
    with_sums,
)

NEW_HEAD, OWN_HEAD = "new, without the fold", "its own"
MEANED = (
    "smooth-or-featured",
    "disk-edge-on",
    "how-rounded",
    "has-spiral-arms",
    SUMMED_BAR,
    "spiral-winding",
)
"""The questions whose mean error is reported."""
_SAYS_EDGE_ON = 0.5


def votes_table(
    contender: Contender, head: str, alpha: NDArray[np.float32], counted: CountedSet, parts: NDArray[np.str_]
) -> pd.DataFrame:
    """A row a question of how the votes of the test galaxies are foretold.

    Args:
        contender: The encoder that is judged.
        head: Which head of it, as tables call it.
        alpha: Its concentrations, (n, n_answers).
        counted: The n galaxies that have votes.
        parts: Which of them are `test`, (n,).
    """
    tested = parts == "test"
    folds = np.where(parts == "training", -1, counted.folds)
    rows = []
    for question, columns in question_columns():
        if not is_judged(question, counted.votes[tested][:, columns]):
            continue
        constant = constant_of_folds(question, counted.votes[:, columns], folds, tested)
        rows += _row(question, alpha[tested], counted.votes[tested], columns, constant)
    about = {"encoder": contender.name, "head": head, "set": "SDSS, Galaxy Zoo 2 votes"}
    return pd.DataFrame([about | row for row in rows])


def decals_votes_table(contender: Contender, voted: VoteSet, alpha: NDArray[np.float32]) -> pd.DataFrame:
    """The same of DECaLS galaxies that nothing was fitted on; the constant is the mean of the others."""
    votes = CAMPAIGNS.votes({GZD5.name: voted.votes})
    rows = []
    for question, columns in question_columns():
        if is_judged(question, votes[:, columns]):
            constant = constant_of_others(question, votes[:, columns])
            rows += _row(question, alpha, votes, columns, constant)
    about = {"encoder": contender.name, "head": _head_of(contender), "set": "DECaLS, volunteers' counts"}
    return pd.DataFrame([about | row for row in rows])


def curve_table(
    contender: Contender,
    alphas: Mapping[int, NDArray[np.float32]],
    counted: CountedSet,
    parts: NDArray[np.str_],
) -> pd.DataFrame:
    """Error over the constant's against the number of galaxies with votes that a head was fitted on."""
    tested = parts == "test"
    folds = np.where(tested, 0, 1)  # the constant is the mean of all that may be fitted on
    rows = []
    for question, columns in question_columns():
        votes = counted.votes[tested][:, columns]
        if not is_judged(question, votes):
            continue
        constant = constant_of_folds(question, counted.votes[:, columns], folds, tested)
        for n, alpha in alphas.items():
            ratio = error_ratio(question, with_sums(alpha)[:, columns], votes, constant)
            about = {"encoder": contender.name, "galaxies": n, "question": question}
            rows.append(about | _spread("ratio", ratio))
    return pd.DataFrame(rows)


def class_table(
    contenders: Sequence[Contender], classed: ClassedSet, vectors: Mapping[str, EncodedPictures]
) -> pd.DataFrame:
    """Area under the ROC curve of featured against elliptical, and of edge-on among disks."""
    rows = []
    for contender in contenders:
        if not contender.answers_gzd5:
            continue
        said = GZD5.fractions(vectors[contender.name].concentrations_alpha)
        featured = said[:, GZD5.index("smooth-or-featured_featured-or-disk")]
        edge_on = said[classed.featured, GZD5.index("disk-edge-on_yes")]
        for figure, truth, score in (
            ("featured against elliptical", classed.featured, featured),
            ("edge-on among disks", classed.edge_on[classed.featured], edge_on),
        ):
            area = bootstrap(len(truth), partial(_auc_of, truth, score))
            about = {"encoder": contender.name, "head": _head_of(contender), "figure": figure}
            rows.append(about | {"galaxies": len(truth), **_spread("auc", area)})
    return pd.DataFrame(rows)


def decals_row(contender: Contender, voted: VoteSet, alpha: NDArray[np.float32]) -> dict[str, object]:
    """Rank correlation of featured, said and voted, of DECaLS galaxies with five voters."""
    question = GZD5.questions[0]
    votes = voted.votes[:, question.slice]
    rows = votes.sum(axis=1) >= min_votes(question.name)
    observed = votes[rows, 1] / votes[rows].sum(axis=1)
    said = GZD5.fractions(alpha)[rows, question.start + 1]
    rank = bootstrap(len(observed), lambda i: float(spearmanr(said[i], observed[i]).statistic))
    about = {"encoder": contender.name, "head": _head_of(contender), "galaxies": int(rows.sum())}
    return about | _spread("rank_correlation", rank)


def edge_on_table(
    contender: Contender, ids: Sequence[str], alpha: NDArray[np.float32], voted: VoteSet | None
) -> pd.DataFrame:
    """DECaLS pictures that are said to be edge-on, and those that are so by volunteers or by eye.

    Args:
        contender: The encoder that is judged.
        ids: Names of the pictures.
        alpha: Its concentrations, (n, n_answers).
        voted: Counts of some of them; None where there are none.
    """
    said = GZD5.fractions(alpha)[:, GZD5.index("disk-edge-on_yes")]
    counts = dict(zip(voted.sample.ids, voted.votes, strict=True)) if voted else {}
    part = GZD5.questions[1].slice
    rows = []
    for name, fraction in zip(ids, said.tolist(), strict=True):
        named = name in NAMED_EDGE_ON
        if named or fraction > _SAYS_EDGE_ON:
            asked = float(counts[name][part].sum()) if name in counts else 0.0
            rows.append(
                {
                    "encoder": contender.name,
                    "picture": name,
                    "named": named,
                    "fraction": fraction,
                    "says_edge_on": fraction > _SAYS_EDGE_ON,
                    "voters": asked,
                    "voted": float(counts[name][part.start] / asked) if asked else float("nan"),
                    "pictures": len(ids),
                }
            )
    table = pd.DataFrame(rows)
    return table.sort_values(["named", "fraction"], ascending=False) if len(table) else table


def mean_ratio(table: pd.DataFrame) -> float:
    """Mean of the error over the constant's over `MEANED`; NaN where one of them is missing."""
    own = table[table["question"].isin(MEANED)]
    return float(own["ratio"].mean()) if set(own["question"]) == set(MEANED) else float("nan")


def _row(
    question: str,
    alpha: NDArray[np.float32],
    votes: NDArray[np.float32],
    columns: slice,
    constant: Constant,
) -> list[dict[str, object]]:
    figures = vote_figures(question, with_sums(alpha)[:, columns], votes[:, columns], constant)
    if figures is None:
        return []
    row: dict[str, object] = {}
    for key, value in vars(figures).items():
        row |= _spread(key, value) if isinstance(value, Interval) else {key: value}
    return [row]


def _spread(name: str, interval: Interval) -> dict[str, float]:
    values = asdict(interval)
    return {name: values["value"], f"{name}_low": values["low"], f"{name}_high": values["high"]}


def _head_of(contender: Contender) -> str:
    return NEW_HEAD.partition(",")[0] if contender.has_new_head else OWN_HEAD


def _auc_of(truth: NDArray[np.bool_], score: NDArray[np.float32], rows: NDArray[np.int64]) -> float:
    return area_under_curve(truth[rows], score[rows])
