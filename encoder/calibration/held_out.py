"""What a calibration gains on votes that it was not fitted on, whether that is enough, and in figures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.calibration.fit import FORMS, Form, Numbers, Problem, log_score
from encoder.calibration.form import Calibration
from encoder.model.gz_tree import Tree, TreeQuestion
from encoder.model.posterior import coverage

MIN_GALAXIES = 40
"""Galaxies with votes on a question below which nothing is fitted: of 8 held out no gain can be told."""
FOLDS = 5
_INNER_FOLDS = 3
SIGNIFICANT = 2.0
"""How many of its standard errors a gain must be."""
Starts = Mapping[Form, NDArray[np.float64]]
"""Of each form the parameters that all votes give: where every fit of a fold begins."""
MIN_VOTERS = 5
"""Voters on a question below which an observed fraction says too little of an error."""


@dataclass(frozen=True)
class Judgement:
    """A question's calibration as votes that were held out judge it.

    Attributes:
        galaxies: Galaxies with votes on the question.
        votes: Number of votes on the question.
        refused: Why it is not to be used, in a few words; None where nothing speaks against it.
        form: Which parameters are free: those that did better on votes held out.
        calibration: Fitted on all votes; None where there are too few.
        covariance: Of (log temperature, shifts), (k + 1, k + 1); None likewise.
        gain: Mean gain of the log score on held-out votes, nats a galaxy; NaN where nothing was fitted.
        gain_error: Standard error of the gain.
        held_out: Dirichlet parameters of each galaxy by a calibration that did not see its votes, (n, k);
            None where nothing was fitted.
    """

    galaxies: int
    votes: float
    refused: str | None
    form: Form | None = None
    calibration: Calibration | None = None
    covariance: NDArray[np.float64] | None = None
    gain: float = float("nan")
    gain_error: float = float("nan")
    held_out: NDArray[np.float64] | None = None


def judge(alpha: Numbers, votes: Numbers) -> Judgement:
    """Fit the calibration of a question, and measure it in five folds.

    In each fold the form is chosen by folds of what is left, so that the gain is that of the whole procedure.

    Args:
        alpha: The network's Dirichlet parameters of galaxies that have votes, (n, k), each above 0.
        votes: Their votes, (n, k), some in each row.
    """
    n, total = len(votes), float(votes.sum())
    if n < MIN_GALAXIES:
        return Judgement(n, total, f"{n} galaxies have votes, {MIN_GALAXIES} are needed")
    if (votes.sum(axis=0) > 0).sum() == 1:
        return Judgement(n, total, "all votes are for one answer")
    starts = {form: Problem(alpha, votes, form).solve() for form in FORMS}
    fold = _folds(n, FOLDS, 0)
    held_out = np.empty(alpha.shape)
    for i in range(FOLDS):
        out = fold == i
        form = _choose_form(alpha[~out], votes[~out], starts)
        held_out[out] = _fit(alpha[~out], votes[~out], form, starts).apply(alpha[out])
    gains = log_score(held_out, votes) - log_score(alpha.astype(np.float64), votes)
    gain, error = float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(n))
    refused = None
    if gain <= SIGNIFICANT * error:
        refused = f"no gain on votes held out: {gain:+.3f} ± {error:.3f} nats a galaxy"
    form = _choose_form(alpha, votes, starts)
    problem, solution = Problem(alpha, votes, form), starts[form]
    calibration, covariance = problem.calibration(solution), problem.covariance(solution)
    return Judgement(n, total, refused, form, calibration, covariance, gain, error, held_out)


def mean_fraction_error(
    alpha: Numbers, calibration: Calibration, covariance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Standard error of the mean calibrated fraction of each answer that comes from the fit, (k,).

    Args:
        alpha: The network's Dirichlet parameters of some galaxies, (n, k).
        calibration: The calibration that was fitted, of k answers.
        covariance: Covariance of the log temperature and the shifts, (1 + k, 1 + k).
    """
    step = 1e-4
    theta = np.append(np.log(calibration.temperature), calibration.shifts)

    def mean(at: NDArray[np.float64]) -> NDArray[np.float64]:
        calibrated = Calibration(float(np.exp(at[0])), at[1:]).apply(alpha)
        fractions: NDArray[np.float64] = (calibrated / calibrated.sum(axis=1, keepdims=True)).mean(axis=0)
        return fractions

    steps = np.eye(len(theta)) * step
    slopes = np.stack([(mean(theta + one) - mean(theta - one)) / (2 * step) for one in steps])
    variance = np.einsum("ik,ij,jk->k", slopes, covariance, slopes)
    deviation: NDArray[np.float64] = np.sqrt(np.maximum(variance, 0))
    return deviation


def _fit(alpha: Numbers, votes: Numbers, form: Form, starts: Starts) -> Calibration:
    problem = Problem(alpha, votes, form)
    return problem.calibration(problem.solve(starts[form]))


def _choose_form(alpha: Numbers, votes: Numbers, starts: Starts) -> Form:
    """The form that foretells held-out votes best; of two as good the one with fewer parameters."""
    fold = _folds(len(votes), _INNER_FOLDS, 1)
    scores = dict.fromkeys(FORMS, 0.0)
    for i in range(_INNER_FOLDS):
        out = fold == i
        for form in FORMS:
            fitted = _fit(alpha[~out], votes[~out], form, starts)
            scores[form] += float(log_score(fitted.apply(alpha[out]), votes[out]).sum())
    return max(FORMS, key=lambda form: scores[form])


def _folds(n: int, folds: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(n) % folds


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
