"""What a Dirichlet posterior says of volunteers' votes: intervals of the fractions and of the counts.

The mean is `Tree.fractions`, the chance that a question is asked at all `Tree.proportion_asked`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, betaln, gammaln

from encoder.model.gz_tree import Tree

LEVEL = 0.9
_ROWS = 4096
"""Galaxies whose tables of counts are in memory at once."""
_EXACT = 1e-12
"""Rounding of a sum of probabilities."""


@dataclass(frozen=True)
class Interval:
    """A central interval of each answer.

    Attributes:
        low: (n, n_answers).
        high: (n, n_answers).
    """

    low: NDArray[Any]
    high: NDArray[Any]


def rebuild_alphas(
    fractions: NDArray[np.floating[Any]], concentrations: NDArray[np.floating[Any]], tree: Tree
) -> NDArray[np.float64]:
    """The concentration of each answer, from what a catalogue keeps of it.

    Args:
        fractions: (n, n_answers).
        concentrations: (n, n_questions), the sum of each question's alphas.
        tree: The tree of the answers, which says which of them belong to one question.

    Returns:
        (n, n_answers).
    """
    rebuilt: NDArray[np.float64] = fractions.astype(np.float64) * _per_answer(concentrations, tree)
    return rebuilt


def fraction_interval(alpha: NDArray[np.floating[Any]], tree: Tree, level: float = LEVEL) -> Interval:
    """Where the fraction of an endless number of volunteers lies: the marginal of a Dirichlet is a Beta.

    Args:
        alpha: (n, n_answers), each > 0.
        tree: The tree of the answers, which says which of them belong to one question.
        level: Probability of the interval, as much outside on either side.

    Returns:
        Fractions in 0..1.
    """
    own, others = _beta(alpha, tree)
    tail = (1 - level) / 2
    return Interval(betaincinv(own, others, tail), betaincinv(own, others, 1 - tail))


def count_interval(
    alpha: NDArray[np.floating[Any]], totals: NDArray[np.integer[Any]], tree: Tree, level: float = LEVEL
) -> Interval:
    """How many of so many volunteers give each answer: the beta-binomial predictive interval.

    Counts are whole, so the interval holds at least `level`, for few votes much more; `coverage` undoes that.

    Args:
        alpha: (n, n_answers), each > 0.
        totals: (n, n_questions) votes on each question, whole numbers.
        tree: The tree of the answers, which says which of them belong to one question.
        level: Least probability of the interval.

    Returns:
        Counts, both ends inside; 0 to 0 for a question without votes.
    """
    own, others = _beta(alpha, tree)
    votes = _per_answer(totals, tree)
    tail = (1 - level) / 2
    low, high = np.zeros(own.shape, np.int64), np.zeros(own.shape, np.int64)
    for start in range(0, len(own), _ROWS):
        part = slice(start, start + _ROWS)
        below = _cumulative(own[part], others[part], votes[part])
        low[part] = (below < tail - _EXACT).sum(axis=-1)
        high[part] = (below < 1 - tail - _EXACT).sum(axis=-1)
    return Interval(low, high)


def coverage(
    alpha: NDArray[np.floating[Any]], votes: NDArray[np.integer[Any]], tree: Tree, level: float = LEVEL
) -> NDArray[np.float64]:
    """How much of each observed count lies inside the predictive interval of exactly `level`.

    A count at the edge of the interval is inside by part, as if its probability were spread evenly: so the
    mean over galaxies is `level` for a right posterior, however few the votes.

    Args:
        alpha: (n, n_answers), each > 0.
        votes: (n, n_answers) counts, whole numbers.
        tree: The tree of the answers, which says which of them belong to one question.
        level: Probability of the interval.

    Returns:
        (n, n_answers) in 0..1; NaN for a question without votes.
    """
    own, others = _beta(alpha, tree)
    totals = np.stack([votes[:, part].sum(axis=1) for part in tree.slices], axis=1)
    of = _per_answer(totals, tree)
    tail = (1 - level) / 2
    inside = np.full(own.shape, np.nan)
    for start in range(0, len(own), _ROWS):
        part = slice(start, start + _ROWS)
        below = _cumulative(own[part], others[part], of[part])
        seen = votes[part, :, None].astype(np.int64)
        upto = np.take_along_axis(below, seen, axis=-1)[..., 0]
        before = np.take_along_axis(below, np.maximum(seen - 1, 0), axis=-1)[..., 0]
        before = np.where(seen[..., 0] > 0, before, 0.0)
        overlap = np.minimum(upto, 1 - tail) - np.maximum(before, tail)
        inside[part] = np.clip(overlap, 0, None) / np.maximum(upto - before, np.finfo(float).tiny)
    return np.where(of > 0, np.minimum(inside, 1), np.nan)


def _beta(alpha: NDArray[np.floating[Any]], tree: Tree) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both parameters of each answer's Beta: its own alpha, and its question's others together."""
    own = alpha.astype(np.float64)
    totals = np.stack([own[:, part].sum(axis=1) for part in tree.slices], axis=1)
    return own, _per_answer(totals, tree) - own


def _per_answer(per_question: NDArray[Any], tree: Tree) -> NDArray[Any]:
    sizes = [len(question.answers) for question in tree.questions]
    return np.repeat(per_question, sizes, axis=1)


def _cumulative(
    own: NDArray[np.float64], others: NDArray[np.float64], totals: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """P(count <= k) for k = 0 .. the largest total, (n, n_answers, k); 1 from each answer's total on."""
    k = np.arange(int(totals.max(initial=0)) + 1, dtype=np.float64)
    total, a, b = totals[..., None].astype(np.float64), own[..., None], others[..., None]
    rest = np.maximum(total - k, 0)
    ways = gammaln(total + 1) - gammaln(k + 1) - gammaln(rest + 1)
    probability = np.where(k <= total, np.exp(ways + betaln(k + a, rest + b) - betaln(a, b)), 0.0)
    below: NDArray[np.float64] = np.where(k >= total, 1.0, np.minimum(probability.cumsum(axis=-1), 1.0))
    return below
