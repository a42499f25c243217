"""How well a head foretells volunteers' votes: each question's figures, every one with its 95 % interval.

Errors are mean absolute deviations over a question's answers; the constant always says the mean of the
galaxies that the head was fitted on. Intervals of 90 % are those of the observed fraction, given how many
volunteers answered: of the Dirichlet-multinomial, answer by answer. Its log score is the mean log probability
of the votes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from encoder.model.gz_tree import GZD5
from encoder.model.loss import question_losses
from encoder.model.posterior import LEVEL, coverage, interval_widths
from encoder.training.campaigns import Campaigns
from encoder.training.head.scales import judged_columns, min_votes, one_question

CAMPAIGNS = Campaigns((GZD5,))
BOOTSTRAPS = 1000
_MIN_JUDGED = 5
_CONSTANT_STEPS = 60

SUMMED_BAR = "bar, any or none"
"""Galaxy Zoo 2's question, which does not tell strong bars from weak ones."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A figure with the 95 % interval of the same figure over galaxies drawn again, with replacement."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class VoteFigures:
    """How one question's votes are foretold.

    Attributes:
        question: Name of the question.
        galaxies: Galaxies with enough voters on it.
        error: Mean absolute error of the fractions.
        constant: The same error of a constant that knows nothing of the galaxy.
        ratio: The error divided by that of the constant.
        bias: The largest mean deviation of an answer, said less observed.
        auc: Area under the ROC curve of the first answer, against its being the majority's; NaN where it is
            that of all or of none.
        coverage: Share of the counts in the intervals of 90 %.
        width: Mean width of those intervals, of observed fractions.
        constant_width: That of the constant with the concentration under which it foretells best.
        log_score: Mean log probability of the votes, nats a galaxy.
        constant_log_score: Mean log probability of the votes under the constant, nats a galaxy.
        gain: The log score less that of the constant, nats a galaxy.
    """

    question: str
    galaxies: int
    error: float
    constant: float
    ratio: Interval
    bias: Interval
    auc: Interval
    coverage: Interval
    width: float
    constant_width: float
    log_score: float
    constant_log_score: float
    gain: Interval


@dataclass(frozen=True)
class Constant:
    """What knows nothing of a galaxy, for each of n.

    Attributes:
        fractions: Mean fractions of the galaxies that the head was fitted on, (n, answers).
        alpha: The Dirichlet under which the votes of these surprise least, (n, answers).
    """

    fractions: Floats
    alpha: Floats


def constant_of_folds(
    question: str, votes: NDArray[np.float32], folds: NDArray[np.int64], judged: NDArray[np.bool_]
) -> Constant:
    """The constant of each judged galaxy, of all galaxies but those of its fold.

    Args:
        question: Name of the question.
        votes: Votes on its answers, (n, answers).
        folds: Fold of each galaxy, (n,).
        judged: Which of them are judged, (n,).
    """
    fractions, alpha = (np.empty((int(judged.sum()), votes.shape[1])) for _ in range(2))
    for fold in np.unique(folds[judged]):
        taught = _enough(votes[folds != fold], question)
        own = folds[judged] == fold
        fractions[own], alpha[own] = _mean_fractions(taught), fit_constant(taught)
    return Constant(fractions, alpha)


def constant_of_others(question: str, votes: NDArray[np.float32]) -> Constant:
    """The constant of each galaxy of a set without folds: of all others of the set, (n, answers)."""
    enough = votes.sum(axis=1) >= min_votes(question)
    shares = np.where(enough[:, None], votes / np.maximum(votes.sum(axis=1, keepdims=True), 1), 0.0)
    others = np.maximum(enough.sum() - enough, 1)[:, None]
    fractions = (shares.sum(axis=0) - shares) / others
    return Constant(fractions, np.broadcast_to(fit_constant(votes[enough]), votes.shape).astype(np.float64))


def is_judged(question: str, votes: NDArray[np.float32]) -> bool:
    """Whether enough galaxies have enough voters on a question, whose votes (n, answers) are given."""
    return int((votes.sum(axis=1) >= min_votes(question)).sum()) >= _MIN_JUDGED


def error_ratio(
    question: str, alpha: NDArray[np.float32], votes: NDArray[np.float32], constant: Constant
) -> Interval:
    """The mean absolute error of the fractions over the constant's, as in `VoteFigures`."""
    rows = votes.sum(axis=1) >= min_votes(question)
    said, observed = (_fractions(counts[rows]) for counts in (alpha, votes))
    return _ratio(_errors(said, observed), _errors(constant.fractions[rows], observed))


def vote_figures(
    question: str, alpha: NDArray[np.float32], votes: NDArray[np.float32], constant: Constant
) -> VoteFigures | None:
    """Figures of one question; None where fewer than 5 galaxies have enough voters.

    Args:
        question: Name of the question.
        alpha: Concentrations foretold, (n, answers).
        votes: Votes on its answers, (n, answers); weighted counts are rounded where whole ones are wanted.
        constant: What always says the same, for each of the galaxies.
    """
    if not is_judged(question, votes):
        return None
    rows = votes.sum(axis=1) >= min_votes(question)
    a, v = alpha[rows].astype(np.float64), votes[rows].astype(np.float64)
    said, observed = _fractions(a), _fractions(v)
    error, of_constant = _errors(said, observed), _errors(constant.fractions[rows], observed)
    deviation = said - observed
    counts, tree = np.round(v).astype(np.int64), one_question(v.shape[1])
    inside = coverage(a.astype(np.float32), counts, tree).mean(axis=1)
    scores, constant_scores = (_log_scores(x, counts) for x in (a, constant.alpha[rows]))
    majority = observed[:, 0] > 0.5  # noqa: PLR2004 - the majority
    return VoteFigures(
        question=question,
        galaxies=int(rows.sum()),
        error=float(error.mean()),
        constant=float(of_constant.mean()),
        ratio=_ratio(error, of_constant),
        bias=bootstrap(len(v), lambda i: _largest(deviation[i].mean(axis=0), deviation.mean(axis=0))),
        auc=bootstrap(len(v), lambda i: area_under_curve(majority[i], said[i, 0])),
        coverage=bootstrap(len(v), lambda i: inside[i].mean()),
        width=float(interval_widths(a, counts.sum(axis=1), LEVEL).mean()),
        constant_width=float(interval_widths(constant.alpha[rows], counts.sum(axis=1), LEVEL).mean()),
        log_score=float(scores.mean()),
        constant_log_score=float(constant_scores.mean()),
        gain=bootstrap(len(v), lambda i: (scores[i] - constant_scores[i]).mean()),
    )


def question_columns() -> list[tuple[str, slice]]:
    """Questions and the columns of their votes; the bar of summed answers under a name of its own."""
    pairs = judged_columns(CAMPAIGNS)
    return [*pairs[:-1], (SUMMED_BAR, pairs[-1][1])]


def with_sums(alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Concentrations of GZD-5's answers, (n, 34), and of their sums, (n, n_columns); where NaN, 1."""
    summed: NDArray[np.float32] = CAMPAIGNS.with_sums(torch.from_numpy(np.nan_to_num(alpha, nan=1.0))).numpy()
    return summed


def bootstrap(n: int, figure: Callable[[NDArray[np.int64]], float]) -> Interval:
    """A figure of n galaxies, and its 2.5 % and 97.5 % quantiles over galaxies drawn again; always the same.

    Args:
        n: Number of galaxies.
        figure: Function that gives the figure of some rows of galaxies; NaN where it cannot be given.
    """
    rng = np.random.default_rng(0)
    drawn = np.array([figure(rng.integers(0, n, n)) for _ in range(BOOTSTRAPS)])
    value, known = float(figure(np.arange(n))), drawn[np.isfinite(drawn)]
    if not len(known):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(known, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def fit_constant(votes: NDArray[np.float32]) -> Floats:
    """The one Dirichlet under which the votes of all galaxies surprise least, (answers,).

    Args:
        votes: (m, answers) of galaxies with enough voters.
    """
    counts = torch.from_numpy(np.round(votes)).double()
    start = torch.from_numpy(np.maximum(_mean_fractions(votes), 1e-3)).log() + 1
    logs = start.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([logs], max_iter=_CONSTANT_STEPS, line_search_fn="strong_wolfe")

    def loss_and_gradient() -> torch.Tensor:
        optimiser.zero_grad()
        alpha = logs.clamp(-8, 8).exp().expand(len(counts), -1)
        loss = question_losses(alpha, counts, [slice(0, counts.shape[1])]).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(loss_and_gradient)  # type: ignore[no-untyped-call]
    fitted: Floats = logs.detach().clamp(-8, 8).exp().numpy()
    return fitted


def _enough(votes: NDArray[np.float32], question: str) -> NDArray[np.float32]:
    enough: NDArray[np.float32] = votes[votes.sum(axis=1) >= min_votes(question)]
    return enough


def _mean_fractions(votes: NDArray[np.float32]) -> Floats:
    fractions: Floats = (votes / votes.sum(axis=1, keepdims=True)).mean(axis=0, dtype=np.float64)
    return fractions


def _log_scores(alpha: Floats, counts: NDArray[np.int64]) -> Floats:
    whole = [slice(0, counts.shape[1])]
    losses = question_losses(torch.from_numpy(np.array(alpha)), torch.from_numpy(counts).double(), whole)
    scores: Floats = -losses[:, 0].numpy()
    return scores


def _fractions(counts: NDArray[np.floating[Any]]) -> Floats:
    """Each answer's share of a question's votes or concentrations, (n, answers)."""
    shares: Floats = counts / counts.sum(axis=1, keepdims=True, dtype=np.float64)
    return shares


def _errors(fractions: Floats, observed: Floats) -> Floats:
    """Mean absolute error of each galaxy's fractions, (n,)."""
    errors: Floats = np.abs(fractions - observed).mean(axis=1)
    return errors


def _ratio(error: Floats, of_constant: Floats) -> Interval:
    """The mean error over the constant's."""
    return bootstrap(len(error), lambda i: error[i].mean() / of_constant[i].mean())


def _largest(means: Floats, sample_means: Floats) -> float:
    """The mean deviation of the answer whose deviation is largest in the sample itself."""
    return float(means[np.argmax(np.abs(sample_means))])


def area_under_curve(truth: NDArray[np.bool_], score: NDArray[np.floating[Any]]) -> float:
    """Area under the ROC curve by ranks, ties shared; NaN where all are of one class."""
    n = int(truth.sum())
    if n in {0, len(truth)}:
        return float("nan")
    return float((rankdata(score)[truth].sum() - n * (n + 1) / 2) / (n * (len(truth) - n)))
