"""Which galaxies a person should see: the next ones to rate, and the most interesting so far.

A catalogue is read once, chunk by chunk, and none of it is kept. The deviation of a prediction costs
several times its mean, so it is computed only where it can matter: the deviation after the first ratings is
an upper limit of it, expected improvement grows with the deviation, and so a galaxy whose limit is below the
worst of the batch so far cannot enter it. The batch is the one that computing every galaxy would give.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

from encoder.anomalies.gaussian_process import InterestModel

Galaxies = tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]
"""Ids (m,), standardised vectors (m, 40), and whether each may be in the batch (m,)."""
Predicted = tuple[NDArray[np.float32], NDArray[np.float32]]
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
        self._ranking, self._later = Ranking(ids, real), list[tuple[NDArray[np.int64], NDArray[np.float32]]]()
        self._model, self._batch, self._top, self._tradeoff = model, batch, top, tradeoff

    @property
    def ranking(self) -> Ranking:
        """The best of all galaxies added, rated ones too."""
        self._merge()
        return self._ranking

    def add(
        self, ids: NDArray[np.int64], standard_vectors: NDArray[np.float32], allowed: NDArray[np.bool_]
    ) -> None:
        """Consider some more galaxies; chunks of 10,000 or more are fastest.

        Args:
            ids: Ids of m galaxies, (m,), none of which was added before.
            standard_vectors: Standardised vectors of the galaxies, (m, 40).
            allowed: Whether each galaxy may be in the batch, (m,); False for those that are rated already.
        """
        self._add((ids, standard_vectors, allowed), self._model.predict_quickly(standard_vectors))

    def add_each(self, chunks: Iterable[Callable[[], Galaxies]]) -> None:
        """Consider many galaxies, with a thread for each processor.

        Args:
            chunks: Each gives, when it is called in one of the threads, what `add` takes.
        """

        def look(make: Callable[[], Galaxies]) -> tuple[Galaxies, Predicted]:
            galaxies = make()
            return galaxies, self._model.predict_quickly(galaxies[1])

        with (
            use_one_processor(),
            ThreadPoolExecutor(os.cpu_count(), initializer=use_one_processor) as pool,
        ):
            for galaxies, predicted in pool.map(look, chunks):
                self._add(galaxies, predicted)

    def _add(self, galaxies: Galaxies, predicted: Predicted) -> None:
        (ids, standard_vectors, allowed), (mean, widest) = galaxies, predicted
        self._rank(ids, mean)
        rows = np.flatnonzero(allowed)
        limit = self._improvement(mean[rows] + _ROUNDING, widest[rows] * (1 + _ROUNDING))
        near = limit >= self._worst()
        rows, limit = rows[near], limit[near]
        order = np.argsort(-limit, kind="stable")
        rows, limit = rows[order], limit[order]
        for start in range(0, len(rows), _ROWS):
            block = rows[start : start + _ROWS]
            block = block[limit[start : start + _ROWS] >= self._worst()]
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
        if self._top and len(self._ranking.ids) == self._top:
            rows = np.flatnonzero(mean >= self._ranking.mean[-1])
            ids, mean = ids[rows], mean[rows]
        self._later.append((ids, mean))
        if sum(len(ids) for ids, _ in self._later) > self._top:
            self._merge()

    def _merge(self) -> None:
        ids = np.concatenate([self._ranking.ids, *(ids for ids, _ in self._later)])
        mean = np.concatenate([self._ranking.mean, *(mean for _, mean in self._later)])
        best = np.lexsort((ids, -mean))[: self._top]
        self._ranking, self._later = Ranking(ids[best], mean[best]), []

    def _improvement(self, mean: NDArray[np.float32], deviation: NDArray[np.float32]) -> NDArray[np.float64]:
        return expected_improvement(mean, deviation, self._model.best, self._tradeoff)


def use_one_processor() -> AbstractContextManager[None]:
    """Keep a thread from dividing its work, from now on or as a context.

    Where other threads or processes are busy, short pieces of work are waited for longer than they take.
    OpenMP keeps this number for each thread.
    """
    limits: AbstractContextManager[None] = threadpool_limits(1, user_api="openmp")
    return limits


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
