"""Vote fractions beside the votes: their error, that of a constant, the votes' own noise, and coverage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.model.gz_tree import Tree
from encoder.model.posterior import coverage

MIN_VOTES = 5
CONFIDENT = 0.8
"""Share of one answer from which the volunteers count as sure."""


@dataclass(frozen=True)
class QuestionFigures:
    """How well the votes on one question are predicted, over all answers of all galaxies with 5 votes.

    Attributes:
        question: Name of the question as Galaxy Zoo spells it.
        galaxies: Number of galaxies with at least 5 votes on the question.
        error: Mean absolute deviation of the fractions.
        constant: The same error of always saying the other galaxies' mean; NaN with one galaxy.
        vote_noise: The same error of a perfect predictor, from the binomial spread of so many votes.
        truth: The same error of fractions that are right on average; NaN where nobody knows them.
        confident_galaxies: Number of the galaxies in which one answer has 80 % of the votes.
        confident_error: Mean absolute deviation there; NaN without such galaxies.
        confident_constant: The error of the constant in those galaxies.
        coverage: Share of the counts inside the central 90 % interval of the Dirichlet-multinomial predictive
            distribution, marginal by answer, a count on the edge by part.
    """

    question: str
    galaxies: int
    error: float
    constant: float
    vote_noise: float
    truth: float
    confident_galaxies: int
    confident_error: float
    confident_constant: float
    coverage: float


def fraction_figures(
    alpha: NDArray[np.float32],
    votes: NDArray[np.float32],
    tree: Tree,
    truth: NDArray[np.float32] | None = None,
) -> list[QuestionFigures]:
    """Figures of every question that some galaxy has 5 votes on.

    Args:
        alpha: Posterior concentrations of n galaxies, (n, n_answers).
        votes: Vote counts of the same galaxies, (n, n_answers), whole numbers.
        tree: The tree of questions that both answer.
        truth: Fractions that are right on average, (n, n_answers); None where nobody knows them.
    """
    known = np.full(votes.shape, np.nan, np.float32) if truth is None else truth
    inside = coverage(alpha, votes.astype(np.int64), tree)
    fractions = tree.fractions(alpha)
    figures = []
    for question in tree.questions:
        q = question.slice
        rows = votes[:, q].sum(axis=1) >= MIN_VOTES
        if rows.any():
            figures.append(
                _question(question.name, fractions[rows, q], votes[rows, q], inside[rows, q], known[rows, q])
            )
    return figures


def observed_fractions(votes: NDArray[np.float32], tree: Tree) -> NDArray[np.float32]:
    """Vote fractions, (n, n_answers); NaN where a question has fewer than 5 votes."""
    observed = np.full(votes.shape, np.nan, np.float32)
    for q in tree.slices:
        totals = votes[:, q].sum(axis=1)
        rows = totals >= MIN_VOTES
        observed[rows, q] = votes[rows, q] / totals[rows, None]
    return observed


def reliability(
    predicted: NDArray[np.float32], observed: NDArray[np.float32], bins: int = 10, min_count: int = 10
) -> list[tuple[float, float]]:
    """Mean of the predicted fractions and mean of the observed ones, in equal steps of the predicted.

    Args:
        predicted: Predicted fractions of the answers of several galaxies, (k,), in 0..1.
        observed: Observed fractions of the same answers, (k,), in 0..1.
        bins: Number of steps into which 0..1 is divided.
        min_count: Number of values that a step needs; one with fewer has no point.
    """
    step = np.minimum((predicted * bins).astype(int), bins - 1)
    each = [step == i for i in range(bins)]
    return [(float(predicted[i].mean()), float(observed[i].mean())) for i in each if i.sum() >= min_count]


def _question(
    name: str,
    predicted: NDArray[np.float32],
    votes: NDArray[np.float32],
    inside: NDArray[np.float64],
    truth: NDArray[np.float32],
) -> QuestionFigures:
    totals = votes.sum(axis=1, keepdims=True)
    observed = votes / totals
    error = np.abs(predicted - observed).mean(axis=1)
    constant = np.abs(_mean_of_others(votes) - observed).mean(axis=1)
    # Fractions of 0 and 1 are shrunk by one vote to the mean, or they would claim to have no noise.
    likely = (votes + votes.sum(axis=0) / votes.sum()) / (totals + 1)
    noise = np.sqrt(2 / np.pi * likely * (1 - likely) / totals)
    sure = observed.max(axis=1) >= CONFIDENT
    return QuestionFigures(
        question=name,
        galaxies=len(votes),
        error=float(error.mean()),
        constant=float(constant.mean()),
        vote_noise=float(noise.mean()),
        truth=float(np.abs(truth - observed).mean()),
        confident_galaxies=int(sure.sum()),
        confident_error=float(error[sure].mean()) if sure.any() else np.nan,
        confident_constant=float(constant[sure].mean()) if sure.any() else np.nan,
        coverage=float(inside.mean()),
    )


def _mean_of_others(votes: NDArray[np.float32]) -> NDArray[np.float64]:
    """For each galaxy the vote fractions of all others together, (n, answers); NaN for a single galaxy."""
    others = votes.sum(axis=0, dtype=np.float64) - votes
    totals = others.sum(axis=1, keepdims=True)
    return np.where(totals > 0, others / np.maximum(totals, 1), np.nan)
