"""How well a Dirichlet posterior foretells volunteers' votes: intervals of the counts, their coverage.

The mean is `Tree.fractions`, the chance that a question is asked at all `Tree.proportion_asked`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammaln

from encoder.model.gz_tree import Tree

LEVEL = 0.9
_ROWS = 4096
"""Galaxies whose tables of counts are in memory at once."""


def coverage(
    alpha: NDArray[np.floating[Any]], votes: NDArray[np.integer[Any]], tree: Tree, level: float = LEVEL
) -> NDArray[np.float64]:
    """How much of each observed count lies inside the predictive interval of exactly `level`.

    A count at the edge of the interval is inside by part, as if its probability were spread evenly: so the
    mean over galaxies is `level` for a right posterior, however few the votes.

    Args:
        alpha: Posterior concentrations, (n, n_answers), each > 0.
        votes: Vote counts, (n, n_answers), whole numbers.
        tree: The tree of the answers, which says which of them belong to one question.
        level: Probability of the interval.

    Returns:
        Part of each count that lies inside, (n, n_answers), in 0..1; NaN for a question without votes.
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


def interval_widths(
    alpha: NDArray[np.floating[Any]], totals: NDArray[np.integer[Any]], level: float = LEVEL
) -> NDArray[np.float64]:
    """Widths of the predictive intervals of one question's observed fractions, (n, n_answers), in 0..1.

    A count's probability is spread evenly over a step of one vote, as in `coverage`: widths of few votes do
    not jump.

    Args:
        alpha: Posterior concentrations of the question's answers, (n, n_answers), each > 0.
        totals: How many volunteers answered, (n,), each > 0.
        level: Probability of the interval.
    """
    own = alpha.astype(np.float64)
    others = own.sum(axis=1, keepdims=True) - own
    tail = (1 - level) / 2
    widths = np.empty(own.shape)
    for start in range(0, len(own), _ROWS):
        part = slice(start, start + _ROWS)
        n = np.broadcast_to(totals[part, None], own[part].shape)
        below = _cumulative(own[part], others[part], n)
        ends = [_quantile(below, probability) for probability in (tail, 1 - tail)]
        widths[part] = (ends[1] - ends[0]) / (n + 1)
    return widths


def _quantile(below: NDArray[np.float64], probability: float) -> NDArray[np.float64]:
    """Where a distribution of counts, each spread from k to k + 1, reaches a probability, (n, answers)."""
    k = (below < probability).sum(axis=-1, keepdims=True)
    before = np.where(k > 0, np.take_along_axis(below, np.maximum(k - 1, 0), axis=-1), 0.0)
    upto = np.take_along_axis(below, k, axis=-1)
    inside = (probability - before) / np.maximum(upto - before, np.finfo(float).tiny)
    reached: NDArray[np.float64] = (k + inside)[..., 0]
    return reached


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
