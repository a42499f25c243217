"""One search for anomalies: a person rates some galaxies of a pool, and every galaxy gets a score.

As in the comparison of Walmsley et al. 2022: batches of 10, rated 5 where a galaxy is an anomaly, else 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.anomalies.acquisition import BATCH, next_batch
from encoder.anomalies.gaussian_process import MAX_RATING, MIN_RATING, InterestModel, fit_interest
from encoder.evaluation.anomalies.astronomaly import astronomaly_scores, isolation_score

BATCHES = 20


@dataclass(frozen=True)
class SearchProblem:
    """Galaxies, and the person who knows which of them are anomalies.

    Attributes:
        anomalous: Whether each of the n galaxies is an anomaly, (n,).
        pool: Whether each galaxy may be rated, (n,).
        batches: Number of batches that are rated, of 10 galaxies each.
    """

    anomalous: NDArray[np.bool_]
    pool: NDArray[np.bool_]
    batches: int = BATCHES

    def ratings(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """What the person says of some galaxies, (rows,)."""
        return np.where(self.anomalous[rows], MAX_RATING, MIN_RATING)


@dataclass(frozen=True)
class SimulatedSearchResult:
    """What a search ends with.

    Attributes:
        score: Score of every galaxy, (n,), the higher the more likely an anomaly.
        rated: Rows of the galaxies that the person was shown, (m,), in that order.
    """

    score: NDArray[np.float64]
    rated: NDArray[np.int64]


SearchPolicy = Callable[[SearchProblem, int], SimulatedSearchResult]
"""A way to search, given a seed: what is random depends on it alone."""


def make_gaussian_process_search(
    standard_vectors: NDArray[np.float32], first: NDArray[np.float32] | None = None
) -> SearchPolicy:
    """Each batch has the highest expected improvement under the ratings so far; the score is the mean.

    Args:
        standard_vectors: Standardised searched vectors of n galaxies, (n, 40).
        first: Score of each galaxy, (n,), whose highest ones are the first batch; None for a random batch.
    """

    def search(question: SearchProblem, seed: int) -> SimulatedSearchResult:
        pool, allowed = question.pool, question.pool.copy()
        rated = _draw_rows(pool, BATCH, seed) if first is None else _highest(first, pool, BATCH)
        for _ in range(question.batches - 1):
            allowed[rated] = False
            model = _fit(standard_vectors, question, rated)
            rated = np.concatenate([rated, next_batch(model, standard_vectors, allowed).ids])
        return _mean(_fit(standard_vectors, question, rated), standard_vectors, rated)

    return search


def make_random_label_search(standard_vectors: NDArray[np.float32]) -> SearchPolicy:
    """The same model of galaxies drawn at random: shows what choosing them is worth.

    Args:
        standard_vectors: Standardised searched vectors of n galaxies, (n, 40).
    """

    def search(question: SearchProblem, seed: int) -> SimulatedSearchResult:
        rated = _draw_rows(question.pool, question.batches * BATCH, seed)
        return _mean(_fit(standard_vectors, question, rated), standard_vectors, rated)

    return search


def make_astronomaly_search(features: NDArray[np.float32]) -> SearchPolicy:
    """The Astronomaly baseline: the pool is rated in the order of the isolation forest's score.

    Args:
        features: Features of n galaxies, (n, f), finite.
    """

    def search(question: SearchProblem, seed: int) -> SimulatedSearchResult:
        machine = isolation_score(features, seed)
        rated = _highest(machine, question.pool, question.batches * BATCH)
        return SimulatedSearchResult(
            astronomaly_scores(features, machine, rated, question.ratings(rated), seed), rated
        )

    return search


def make_score_search(score: NDArray[np.float32]) -> SearchPolicy:
    """Galaxies in the order of a score that no rating changes.

    Args:
        score: Score of each of the n galaxies, (n,).
    """

    def search(question: SearchProblem, _: int) -> SimulatedSearchResult:
        rated = _highest(score, question.pool, question.batches * BATCH)
        return SimulatedSearchResult(score.astype(np.float64), rated)

    return search


def search_at_random(question: SearchProblem, seed: int) -> SimulatedSearchResult:
    """Galaxies in random order."""
    score = np.random.default_rng([seed, 1]).random(len(question.pool))
    return SimulatedSearchResult(score, _highest(score, question.pool, question.batches * BATCH))


def _fit(
    standard_vectors: NDArray[np.float32], question: SearchProblem, rated: NDArray[np.int64]
) -> InterestModel:
    return fit_interest(standard_vectors[rated], question.ratings(rated))


def _mean(
    model: InterestModel, standard_vectors: NDArray[np.float32], rated: NDArray[np.int64]
) -> SimulatedSearchResult:
    return SimulatedSearchResult(model.mean(standard_vectors).astype(np.float64), rated)


def _draw_rows(allowed: NDArray[np.bool_], n: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, 0]).permutation(np.flatnonzero(allowed))[:n]


def _highest(score: NDArray[np.floating], allowed: NDArray[np.bool_], n: int) -> NDArray[np.int64]:
    """Rows of the n allowed galaxies of the highest score, the lower row first among equals."""
    rows = np.flatnonzero(allowed)
    return rows[np.argsort(-score[rows], kind="stable")[:n]]
