"""How sure a head may be: a factor of each question's concentrations, by votes that it was not fitted on.

A head that is fitted on few galaxies foretells others less well than those, and its intervals are too narrow.
One factor a question mends that, and leaves every fraction as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.model.gz_tree import Tree, TreeQuestion
from encoder.model.posterior import LEVEL, coverage
from encoder.training.campaigns import Campaigns
from encoder.training.labels.summed_answers import SUMMED

MIN_GALAXIES = 50
"""Galaxies with votes on a question that its factor is measured on."""
_MIN_VOTES: Mapping[str, int] = {"spiral-winding": 3}
_USUAL_VOTES = 5
_LEAST, _MOST = 0.02, 10.0
_HALVINGS = 20


def min_votes(question: str) -> int:
    """Fewest voters on a question of a galaxy that is judged by: 5, of winding 3."""
    return _MIN_VOTES.get(question, _USUAL_VOTES)


@dataclass(frozen=True)
class Scales:
    """Factors of the concentrations.

    Attributes:
        factors: One a question of the tree.
        measured: Names of the questions whose factor was measured; others have their geometric mean.
    """

    factors: tuple[float, ...]
    measured: tuple[str, ...]


def measure_scales(alpha: NDArray[np.float32], votes: NDArray[np.float32], campaigns: Campaigns) -> Scales:
    """The factors under which intervals of 90 % hold the counts of 90 % of the galaxies.

    Args:
        alpha: Concentrations foretold for n galaxies by heads that were not fitted on them, (n, n_answers).
        votes: Their votes as `Campaigns.votes` gives them, (n, n_columns).
        campaigns: Campaigns that hold the release's tree alone; votes on sums of answers serve where a
            question has no others.
    """
    tree = campaigns.release_tree
    found: dict[str, float] = {}
    with_sums = campaigns.with_sums(torch.from_numpy(alpha)).numpy()
    for name, columns in judged_columns(campaigns):
        counts = votes[:, columns]
        rows = counts.sum(axis=1) >= min_votes(name)
        if name not in found and rows.sum() >= MIN_GALAXIES:
            found[name] = _factor(with_sums[rows, columns], counts[rows])
    usual = float(np.exp(np.mean(np.log(list(found.values()))))) if found else 1.0
    factors = tuple(round(found.get(question.name, usual), 4) for question in tree.questions)
    return Scales(factors, tuple(question.name for question in tree.questions if question.name in found))


def judged_columns(campaigns: Campaigns) -> list[tuple[str, slice]]:
    """Questions and the columns of their votes that are whole counts: the tree's own, then the bar's sums.

    Args:
        campaigns: Campaigns that hold the release's tree alone.
    """
    own = [(question.name, question.slice) for question in campaigns.release_tree.questions]
    if not campaigns.takes_sums:
        return own
    start = campaigns.release_tree.n_answers
    bar = next(question for question in SUMMED.questions if question.name == "bar")
    return [*own, ("bar", slice(start + bar.start, start + bar.start + len(bar.answers)))]


def _factor(alpha: NDArray[np.float32], votes: NDArray[np.float32]) -> float:
    """By bisection: the larger the concentrations, the narrower the intervals."""
    tree = one_question(alpha.shape[1])
    counts = np.round(votes).astype(np.int64)
    low, high = np.log(_LEAST), np.log(_MOST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if float(np.nanmean(coverage(alpha * np.exp(middle), counts, tree))) > LEVEL:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def one_question(n_answers: int) -> Tree:
    """A tree of one question, for figures of one question."""
    question = TreeQuestion("question", tuple(str(i) for i in range(n_answers)), (), 0)
    return Tree("one question", "", "", (question,))
