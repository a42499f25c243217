"""A calibration fitted to votes: the most probable one under a prior that holds it to the identity."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from encoder.calibration.form import HIGHEST, LOWEST, Calibration, log_alpha

Form = Literal["temperature", "shifts"]
"""`temperature`: t and one b, which together say how sure to be; `shifts`: a b for each answer."""
FORMS: tuple[Form, ...] = ("temperature", "shifts")

PRIOR_LOG_TEMPERATURE = 0.5
PRIOR_SHIFT = 1.0
"""Standard deviations: a factor of 1.6 of the temperature, or of 2.7 of an alpha, is nothing odd."""
_BOUND_LOG_TEMPERATURE, _BOUND_SHIFT = 1.5, 5.0
_STEP = 1e-4

Numbers = NDArray[np.floating[Any]]
_Floats = NDArray[np.float64]


def log_score(alpha: _Floats, votes: Numbers) -> _Floats:
    """Logarithm of the Dirichlet-multinomial probability of votes, but for their combinations, (n,).

    Args:
        alpha: Dirichlet parameters, (n, k).
        votes: Votes, (n, k); parts of a vote, as weighted tables have them, are allowed.
    """
    total, sure = votes.sum(axis=1), alpha.sum(axis=1)
    score: _Floats = gammaln(sure) - gammaln(total + sure)
    score += (gammaln(votes + alpha) - gammaln(alpha)).sum(axis=1)
    return score


class Problem:
    """What is minimised for one question: minus the log of the posterior of (log temperature, shifts).

    Args:
        alpha: The network's Dirichlet parameters of the question, (n, k), each above 0.
        votes: Votes, (n, k).
        form: Which parameters are free.
    """

    def __init__(self, alpha: Numbers, votes: Numbers, form: Form) -> None:
        self._logarithm, self._votes = log_alpha(alpha), votes.astype(np.float64)
        self._total = self._votes.sum(axis=1, keepdims=True)
        self._spread = _spread(alpha.shape[1], form)
        width = self._spread.shape[1]
        self._prior = np.array([PRIOR_LOG_TEMPERATURE, *[PRIOR_SHIFT] * (width - 1)])
        self._bounds = [
            (-_BOUND_LOG_TEMPERATURE, _BOUND_LOG_TEMPERATURE),
            *[(-_BOUND_SHIFT, _BOUND_SHIFT)] * (width - 1),
        ]

    def solve(self, start: _Floats | None = None) -> _Floats:
        """The free parameters at the minimum, by L-BFGS.

        Args:
            start: Where to begin: what some of the same galaxies gave, which saves most steps; None for the
                identity.
        """
        begin = np.zeros(len(self._prior)) if start is None else start
        found = minimize(self.loss, begin, jac=True, method="L-BFGS-B", bounds=self._bounds)
        solution: _Floats = found.x
        return solution

    def calibration(self, free: _Floats) -> Calibration:
        """The calibration of some free parameters."""
        theta = self._spread @ free
        return Calibration(float(np.exp(theta[0])), theta[1:])

    def covariance(self, free: _Floats) -> _Floats:
        """Covariance of (log temperature, shifts), (k + 1, k + 1), by Laplace's approximation."""
        steps = np.eye(len(free)) * _STEP
        slopes = [self.loss(free + step)[1] - self.loss(free - step)[1] for step in steps]
        hessian = np.stack(slopes) / (2 * _STEP)
        covariance: _Floats = self._spread @ np.linalg.inv((hessian + hessian.T) / 2) @ self._spread.T
        return covariance

    def loss(self, free: _Floats) -> tuple[float, _Floats]:
        """Minus the log posterior of some free parameters, and its slope."""
        theta = self._spread @ free
        temperature = np.exp(theta[0])
        raw = temperature * self._logarithm + theta[1:]
        alpha = np.exp(np.clip(raw, LOWEST, HIGHEST))
        sure = alpha.sum(axis=1, keepdims=True)
        of_alpha = digamma(sure) - digamma(self._total + sure) + digamma(self._votes + alpha) - digamma(alpha)
        of_log = np.where((raw > LOWEST) & (raw < HIGHEST), of_alpha * alpha, 0.0)
        slope = np.append((of_log * temperature * self._logarithm).sum(), of_log.sum(axis=0))
        value = float((free**2 / self._prior**2).sum() / 2) - float(log_score(alpha, self._votes).sum())
        return value, free / self._prior**2 - self._spread.T @ slope


def _spread(answers: int, form: Form) -> _Floats:
    """From the free parameters to (log temperature, a shift of each answer)."""
    if form == "shifts":
        return np.eye(answers + 1)
    together = np.zeros((answers + 1, 2))
    together[0, 0] = 1
    together[1:, 1] = 1
    return together
