"""What a calibration changed, in figures of held-out votes: error, coverage, means."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.calibration.held_out import Judgement, mean_fraction_error
from encoder.model.gz_tree import Tree, TreeQuestion
from encoder.model.posterior import coverage

MIN_VOTERS = 5
"""Voters on a question below which an observed fraction says too little of an error."""

Numbers = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class BeforeAfter:
    """How a question's fractions foretell held-out votes as the network gives them, and calibrated.

    Attributes:
        error: Mean absolute error of the fractions of galaxies with 5 voters or more; NaN without any.
        coverage: Share of the votes inside the 90 % intervals.
        mean: Mean fraction of each answer, (k,).
    """

    error: float
    coverage: float
    mean: NDArray[np.float64]


def compare(
    alpha: Numbers, votes: Numbers, judgement: Judgement
) -> tuple[BeforeAfter, BeforeAfter | None, NDArray[np.float64] | None]:
    """Figures before and after, and the standard error of each mean fraction that comes from the fit.

    Args:
        alpha: The network's Dirichlet parameters, (n, k).
        votes: The votes, (n, k).
        judgement: What was found of them.

    Returns:
        Before; after, and the errors (k,), None where nothing was fitted.
    """
    before = _figures(alpha.astype(np.float64), votes)
    if judgement.held_out is None or judgement.calibration is None or judgement.covariance is None:
        return before, None, None
    error = mean_fraction_error(alpha, judgement.calibration, judgement.covariance)
    return before, _figures(judgement.held_out, votes), error


def _figures(alpha: NDArray[np.float64], votes: Numbers) -> BeforeAfter:
    answers = tuple(str(i) for i in range(alpha.shape[1]))
    tree = Tree("one", "", "", (TreeQuestion("one", answers, (), 0),))
    inside = coverage(alpha, np.round(votes).astype(np.int64), tree)
    fractions = alpha / alpha.sum(axis=1, keepdims=True)
    judged = votes.sum(axis=1) >= MIN_VOTERS
    observed = votes[judged] / votes[judged].sum(axis=1, keepdims=True)
    error = float(np.abs(fractions[judged] - observed).mean()) if judged.any() else float("nan")
    mean: NDArray[np.float64] = fractions.mean(axis=0)
    return BeforeAfter(error, float(np.nanmean(inside)) if np.isfinite(inside).any() else float("nan"), mean)
