"""A new question from few labels: logistic regression on stored vectors, calibrated, with its uncertainty.

The encoder stays frozen: for the paper's rings that cost 3 points of accuracy with 5 labels of a class and at
most 1 with 33 to 3,520.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

from encoder.errors import LearningError
from encoder.heads.answers import Answers, read_answers
from encoder.heads.calibration import (
    LogitCalibration,
    fit_calibration,
    log_loss,
    probabilities,
    unit_spread_calibration,
)
from encoder.heads.laplace import weight_posterior
from encoder.heads.logistic import Logistic, fit_logistic, out_of_fold_logits, split_folds
from encoder.heads.model import Scores, TaskHead
from encoder.heads.report import HeadReport, measure_head, report_unmeasured

__all__ = ["HeadReport", "Scores", "TaskHead", "fit_head"]

MIN_TO_CALIBRATE = 5
"""Galaxies of the rarest class, as most frequent answer, from which on a head is calibrated and measured."""
MIN_TO_CHOOSE_PENALTY = 30
"""Galaxies of the rarest class from which on cross-validation chooses the penalty."""
INVERSE_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
_FIXED = (1e-3,)  # what encoder/heads/probe.py measured with


@dataclass(frozen=True)
class _Fit:
    inverse_penalty: float
    model: Logistic
    calibration: LogitCalibration


def fit_head(
    vectors: NDArray[np.float32],
    votes: NDArray[np.float64],
    classes: tuple[str, ...],
    *,
    is_measured: bool = True,
) -> TaskHead:
    """Learn a question; the same input gives the same head.

    Few labels get a strong fixed penalty and, below 5 galaxies of a class, no calibration; from 30 of each
    class on the penalty is chosen by the log loss of calibrated unseen galaxies. A galaxy on which people
    disagree counts for each answer by its share of people.

    Args:
        vectors: Vectors of the n labelled galaxies, (n, d).
        votes: Number of people who gave each class, (n, n_classes).
        classes: Names of the classes, in the order of the votes' columns.
        is_measured: Whether cross-validation says how good the head is, which takes several times as long;
            the head itself is the same.

    Raises:
        LearningError: A class has fewer than 2 galaxies, a galaxy no vote or no finite vector, or the vectors
            do not differ.
    """
    if votes.shape != (len(vectors), len(classes)):
        raise ValueError(f"votes {votes.shape} are not of {len(vectors)} galaxies and {len(classes)} classes")
    answers = read_answers(votes.astype(np.float64), classes)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise LearningError(f"the vector of labelled galaxy {finite.argmin()} is not finite")
    with threadpool_limits(1):  # matrices this small are waited for longer than worked on
        return _fit_head(vectors.astype(np.float64), answers, classes, is_measured=is_measured)


def _fit_head(
    double: NDArray[np.float64], answers: Answers, classes: tuple[str, ...], *, is_measured: bool
) -> TaskHead:
    penalties = INVERSE_PENALTIES if answers.rarest >= MIN_TO_CHOOSE_PENALTY else _FIXED
    if answers.rarest < MIN_TO_CALIBRATE:
        return _head(double, answers, classes, _fit_uncalibrated(double, answers), report_unmeasured(answers))
    report = (
        _cross_validate(double, answers, penalties)
        if is_measured
        else report_unmeasured(answers, is_calibrated=True)
    )
    return _head(double, answers, classes, _fit_calibrated(double, answers, penalties), report)


def _cross_validate(
    vectors: NDArray[np.float64], answers: Answers, penalties: tuple[float, ...]
) -> HeadReport:
    """All of the fit, choice of the penalty and calibration included, is repeated without each fold."""
    raw, calibrated = np.empty_like(answers.share), np.empty_like(answers.share)
    parts = split_folds(answers)
    for learnt, scored in parts:
        fit = _fit_calibrated(vectors[learnt], answers.of(learnt), penalties)
        logits = fit.model.logits(vectors[scored])
        raw[scored] = probabilities(logits)
        calibrated[scored] = probabilities(fit.calibration.apply(logits))
    return measure_head(answers, raw, calibrated, len(parts))


def _fit_calibrated(vectors: NDArray[np.float64], answers: Answers, penalties: tuple[float, ...]) -> _Fit:
    tried = []
    for penalty in penalties:
        logits = out_of_fold_logits(vectors, answers, penalty)
        calibration = fit_calibration(logits, answers)
        tried.append((log_loss(calibration.apply(logits), answers.share), penalty, calibration))
    _, best, calibration = min(tried, key=lambda one: one[0])
    return _Fit(best, fit_logistic(vectors, answers, best), calibration)


def _fit_uncalibrated(vectors: NDArray[np.float64], answers: Answers) -> _Fit:
    (penalty,) = _FIXED
    model = fit_logistic(vectors, answers, penalty)
    return _Fit(penalty, model, unit_spread_calibration(model.logits(vectors), answers))


def _head(
    vectors: NDArray[np.float64], answers: Answers, classes: tuple[str, ...], fit: _Fit, report: HeadReport
) -> TaskHead:
    weight = fit.calibration.slope * fit.model.weight / fit.model.scale
    bias = fit.calibration.slope * fit.model.bias + fit.calibration.shift - weight @ fit.model.mean
    return TaskHead(
        classes=tuple(classes),
        weight=weight.astype(np.float32),
        bias=bias.astype(np.float32),
        posterior=weight_posterior(fit.model, vectors, answers, fit.inverse_penalty, fit.calibration.slope),
        report=report,
    )
