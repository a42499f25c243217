"""Calibration: the slope and shifts that turn logits into probabilities that can be taken at their word."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from encoder.errors import LearningError
from encoder.heads.answers import Answers

_MIN_SLOPE = 0.01
_NO_DIFFERENCE = 1e-6


@dataclass(frozen=True)
class LogitCalibration:
    """A slope for all logits, a shift for each.

    Attributes:
        slope: Positive, so that the order of the galaxies stays.
        shift: What is added to each of the k logits after the slope, (k,) float64.
    """

    slope: float
    shift: NDArray[np.float64]

    def apply(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """The calibrated logits, (m, k)."""
        return self.slope * logits + self.shift


def probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities, (m, n_classes), of logits (m, k); a single logit is the second of two classes'."""
    probability: NDArray[np.float64] = softmax(_one_a_class(logits), axis=1)
    return probability


def log_loss(logits: NDArray[np.float64], share: NDArray[np.float64]) -> float:
    """Mean negative log likelihood of the answers, each galaxy of weight 1.

    Args:
        logits: Logits of n galaxies, (n, k), k as in `probabilities`.
        share: Share of a galaxy's people who gave each class, (n, n_classes); rows add up to 1.
    """
    return float(-(share * log_softmax(_one_a_class(logits), axis=1)).sum(axis=1).mean())


def fit_calibration(logits: NDArray[np.float64], answers: Answers) -> LogitCalibration:
    """Platt's scaling; for several classes one slope and a shift a class.

    The likelihood is of Platt's targets, (N + 1) / (N + classes) for a galaxy of a class of N galaxies, so
    that classes without overlap keep a finite slope. Classes are not balanced: the probabilities are those
    of galaxies drawn like the labelled ones. Platt (1999), Advances in Large Margin Classifiers, 61.

    Args:
        logits: Logits of n galaxies that the regression has not seen, (n, k).
        answers: What people answered about the n galaxies.

    Raises:
        LearningError: All logits are the same.
    """
    unit = _root_mean_square(logits, np.ones(len(logits)))
    targets = _targets(answers)
    k = logits.shape[1]

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, shift = parameters[0], parameters[1:]
        calibrated = slope * logits / unit + shift
        excess = (probabilities(calibrated) - targets)[:, -k:] / len(logits)
        slopes = (excess * logits).sum() / unit
        return log_loss(calibrated, targets), np.concatenate([[slopes], excess.sum(axis=0)])

    bounds = [(_MIN_SLOPE, None)] + [(None, None)] * k
    start = np.array([1.0] + [0.0] * k)
    options = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000}
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return LogitCalibration(float(best[0] / unit), best[1:])


def unit_spread_calibration(logits: NDArray[np.float64], answers: Answers) -> LogitCalibration:
    """For labels too few to calibrate: the class-balanced root mean square of their galaxies' logits is 1.

    A statement of ignorance, not a measurement: the strong penalty leaves logits of about 0.01, and 1 says
    "about 27 % or 73 %" of a typical labelled galaxy, less of others, with both classes equally frequent.

    Args:
        logits: Logits of the n labelled galaxies, (n, k).
        answers: What people answered about the labelled galaxies.

    Raises:
        LearningError: All logits are the same.
    """
    unit = _root_mean_square(logits, answers.balanced_weights().sum(axis=1))
    return LogitCalibration(1 / unit, np.zeros(logits.shape[1]))


def _targets(answers: Answers) -> NDArray[np.float64]:
    per_class = answers.per_class
    smoothed = (np.diag(per_class) + 1) / (per_class + len(per_class))[:, None]
    return answers.share @ smoothed


def _root_mean_square(logits: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    unit = float(np.sqrt(np.average((logits**2).mean(axis=1), weights=weights)))
    if unit < _NO_DIFFERENCE:
        raise LearningError("the labelled galaxies do not differ in what tells the classes apart")
    return unit


def _one_a_class(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.pad(logits, [(0, 0), (1, 0)]) if logits.shape[1] == 1 else logits
