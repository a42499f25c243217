"""Which galaxies a person should see: the next ones to rate, and the most interesting so far.

A catalogue is read once, chunk by chunk, and none of it is kept. The deviation of a prediction costs
several times its mean, so it is computed only where it can matter: the deviation after the first ratings is
an upper limit of it, expected improvement grows with the deviation, and so a galaxy whose limit is below the
worst of the batch so far cannot enter it. The batch is the one that computing every galaxy would give.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

from encoder.anomalies.gaussian_process import InterestModel

BATCH = 10
"""Galaxies to rate next, as in the paper."""
TRADEOFF = 0.5
"""The paper's, in ratings."""
TOP = 10_000
_ROWS = 500  # exact deviations at a time, before the limit is looked at again
_ROUNDING = 1e-6  # more than float32 loses of a rating


@dataclass(frozen=True)
class RatingBatch:
    """Galaxies to rate next, highest expected improvement first, lower id first among equals.

    Attributes:
        ids: Ids of the n galaxies, (n,) int64.
        improvement: Expected improvement of each galaxy over the best rating so far, (n,) float64, in
            ratings.
        mean: Predicted rating of each galaxy, (n,) float32.
        deviation: Standard deviation of each predicted rating, (n,) float32.
    """

    ids: NDArray[np.int64]
    improvement: NDArray[np.float64]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]


@dataclass(frozen=True)
class Ranking:
    """Galaxies of highest predicted rating, highest first, lower id first among equals.

    Attributes:
        ids: Ids of the n galaxies, (n,) int64.
        mean: Predicted rating of each galaxy, (n,) float32.
    """

    ids: NDArray[np.int64]
    mean: NDArray[np.float32]


class Candidates:
    """All galaxies of a catalogue, added chunk by chunk, of which the best remain."""

    def __init__(
        self, model: InterestModel, batch: int = BATCH, top: int = TOP, tradeoff: float = TRADEOFF
    ) -> None:
        """Start without galaxies.

        Args:
            model: Model of the person's interest, which predicts ratings.
            batch: Galaxies to rate next.
            top: Galaxies of the ranking.
            tradeoff: How much better than the best so far a galaxy must be to count, in ratings.
        """
        ids, real = np.empty(0, np.int64), np.empty(0, np.float32)
        self.batch = RatingBatch(ids, np.empty(0, np.float64), real, real)
        """The best of all galaxies added and allowed; fewer where there are fewer."""
        self.ranking = Ranking(ids, real)
        """The best of all galaxies added, rated ones too."""
        self._model, self._batch, self._top, self._tradeoff = model, batch, top, tradeoff

    def add(
        self, ids: NDArray[np.int64], standard_vectors: NDArray[np.float32], allowed: NDArray[np.bool_]
    ) -> None:
        """Consider some more galaxies; chunks of 10,000 or more are fastest.

        Args:
            ids: Ids of m galaxies, (m,), none of which was added before.
            standard_vectors: Standardised vectors of the galaxies, (m, 40).
            allowed: Whether each galaxy may be in the batch, (m,); False for those that are rated already.
        """
        mean, widest = self._model.predict_quickly(standard_vectors)
        self._rank(ids, mean)
        limit = self._improvement(mean + _ROUNDING, widest * (1 + _ROUNDING))
        rows = np.flatnonzero(allowed)
        rows = rows[np.argsort(-limit[rows], kind="stable")]
        for start in range(0, len(rows), _ROWS):
            block = rows[start : start + _ROWS]
            block = block[limit[block] >= self._worst()]
            if not len(block):
                return
            self._compare(ids[block], standard_vectors[block])

    def _worst(self) -> float:
        """What a galaxy must reach to enter the batch."""
        return float(self.batch.improvement[-1]) if len(self.batch.ids) == self._batch else 0.0

    def _compare(self, ids: NDArray[np.int64], standard_vectors: NDArray[np.float32]) -> None:
        mean, deviation = self._model.predict(standard_vectors)
        have = self.batch
        ids = np.concatenate([have.ids, ids])
        improvement = np.concatenate([have.improvement, self._improvement(mean, deviation)])
        best = np.lexsort((ids, -improvement))[: self._batch]
        mean, deviation = np.concatenate([have.mean, mean]), np.concatenate([have.deviation, deviation])
        self.batch = RatingBatch(ids[best], improvement[best], mean[best], deviation[best])

    def _rank(self, ids: NDArray[np.int64], mean: NDArray[np.float32]) -> None:
        ids, mean = np.concatenate([self.ranking.ids, ids]), np.concatenate([self.ranking.mean, mean])
        best = np.lexsort((ids, -mean))[: self._top]
        self.ranking = Ranking(ids[best], mean[best])

    def _improvement(self, mean: NDArray[np.float32], deviation: NDArray[np.float32]) -> NDArray[np.float64]:
        return expected_improvement(mean, deviation, self._model.best, self._tradeoff)


def expected_improvement(
    mean: NDArray[np.float32], deviation: NDArray[np.float32], best: float, tradeoff: float = TRADEOFF
) -> NDArray[np.float64]:
    """Expectation of max(0, interest - best - tradeoff) where the interest is normal (Mockus 1975).

    Args:
        mean: Predicted rating of each galaxy, (m,).
        deviation: Standard deviation of each predicted rating, (m,).
        best: Highest rating so far.
        tradeoff: The larger, the more unknown galaxies are preferred to known good ones.

    Returns:
        Expected improvement of each galaxy, (m,) float64, in ratings.
    """
    gain = mean.astype(np.float64) - best - tradeoff
    sigma = np.maximum(deviation.astype(np.float64), 1e-30)
    z = np.maximum(
        gain / sigma, -1e3
    )  # nothing is left of the normal there, and its square must not overflow
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    # Below the best the two terms of the formula cancel; the scaled error function keeps what is left.
    below = density * (1 + z * np.sqrt(np.pi / 2) * erfcx(-np.minimum(z, 0) / np.sqrt(2)))
    improvement: NDArray[np.float64] = np.where(z < 0, sigma * below, gain * ndtr(z) + sigma * density)
    return np.maximum(improvement, 0)


def next_batch(
    model: InterestModel, standard_vectors: NDArray[np.float32], allowed: NDArray[np.bool_], n: int = BATCH
) -> RatingBatch:
    """The galaxies to rate next of those in memory; the ids are their indices.

    Args:
        model: Model of the person's interest, which predicts ratings.
        standard_vectors: Standardised vectors of m galaxies, (m, 40).
        allowed: Whether each galaxy may be in the batch, (m,); False for those that are rated already.
        n: Number of galaxies in the batch.
    """
    candidates = Candidates(model, n, top=0)
    candidates.add(np.arange(len(standard_vectors)), standard_vectors, allowed)
    return candidates.batch
