"""One person's 1,000 ratings over a million galaxies: fit, next batch and the 10,000 most interesting.

The galaxies are made up, with 12 directions of their own in 40, as flat as those of the encoder; 1 % are
interesting. The batch of the first 100,000 is checked against the exact prediction of every one of them.

Run: python -m benchmarks.interest
"""

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.anomalies.acquisition import BATCH, TOP, Candidates, RatingBatch, expected_improvement
from encoder.anomalies.gaussian_process import InterestModel, fit_interest

_T = TypeVar("_T")
GALAXIES = 1_000_000
CHUNK = 50_000
CHECKED = CHUNK * 2
RATINGS = 1_000
RANDOM = 300
"""Of the ratings; the others are of the best 2 %, where expected improvement leads."""
DIRECTIONS = 12


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    galaxies = _galaxies(rng)
    truth = _truth(galaxies)
    rated = _choose_rated(truth, rng)
    ratings = np.clip(np.round(truth[rated] + rng.normal(0, 0.5, RATINGS)), 0, 5)
    allowed = np.ones(GALAXIES, bool)
    allowed[rated] = False
    model, fit = _time(lambda: fit_interest(galaxies[rated], ratings))
    _, means = _time(lambda: model.mean(galaxies))
    _, limits = _time(lambda: model.predict_quickly(galaxies))
    found, one_pass = _time(lambda: _read(model, galaxies, allowed, GALAXIES))
    first = _read(model, galaxies, allowed, CHECKED)
    every, exact = _time(lambda: _compute(model, galaxies[:CHECKED], allowed[:CHECKED]))
    print(f"{RATINGS} ratings, {GALAXIES} galaxies in chunks of {CHUNK}, {torch.get_num_threads()} threads")
    print(f"{'':58} seconds  of CPU")
    for name, seconds in (
        ("fit: kernel of 500 ratings, weights of all", fit),
        (f"batch of {BATCH} and the top {TOP} in one pass", one_pass),
        ("  the means alone", means),
        ("  the means and the limits of the deviations alone", limits),
        ("together", fit + one_pass),
        ("not done: exact deviations of all (from 100,000)", exact * GALAXIES / CHECKED),
    ):
        print(f"{name:58} {seconds[0]:7.2f} {seconds[1]:7.2f}")
    same = np.array_equal(first.batch.ids, every.ids)
    print(f"batch of the first {CHECKED} the same as with all their deviations: {same}")
    share = (truth[found.ranking.ids] > 0).mean()
    print(f"interesting galaxies among the top {TOP}: {share:.0%}, of all: {(truth > 0).mean():.1%}")


def _galaxies(rng: np.random.Generator) -> NDArray[np.float32]:
    """Standardised vectors (GALAXIES, 40) on a bent surface of few dimensions."""
    bend = rng.normal(size=(DIRECTIONS, 200)) / 2
    mixing = rng.normal(size=(200, 40)) / 8
    vectors = np.concatenate(
        [
            np.tanh(rng.normal(size=(CHUNK, DIRECTIONS)) @ bend) @ mixing + rng.normal(0, 0.3, (CHUNK, 40))
            for _ in range(0, GALAXIES, CHUNK)
        ]
    ).astype(np.float32)
    scaled: NDArray[np.float32] = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    return scaled


def _truth(galaxies: NDArray[np.float32]) -> NDArray[np.float64]:
    """Interest 0..5: falls with the distance from the first three galaxies, and 99 % have none."""
    distance = np.min([((galaxies - kind) ** 2).sum(axis=1) for kind in galaxies[:3]], axis=0)
    truth: NDArray[np.float64] = np.clip(5 * (1 - distance / np.quantile(distance, 0.01)), 0, 5)
    return truth


def _choose_rated(truth: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    best = rng.permutation(np.argsort(-truth)[: GALAXIES // 50])[: RATINGS - RANDOM]
    others = rng.permutation(np.setdiff1d(np.arange(GALAXIES), best))[:RANDOM]
    return rng.permutation(np.concatenate([best, others]))


def _read(
    model: InterestModel, galaxies: NDArray[np.float32], allowed: NDArray[np.bool_], n: int
) -> Candidates:
    candidates = Candidates(model)
    for start in range(0, n, CHUNK):
        rows = slice(start, start + CHUNK)
        candidates.add(np.arange(start, start + CHUNK), galaxies[rows], allowed[rows])
    return candidates


def _compute(model: InterestModel, galaxies: NDArray[np.float32], allowed: NDArray[np.bool_]) -> RatingBatch:
    """The batch, from the exact deviations of all."""
    mean, deviation = model.predict(galaxies)
    improvement = np.where(allowed, expected_improvement(mean, deviation, model.best), -1)
    best = np.argsort(-improvement, kind="stable")[:BATCH]
    return RatingBatch(best, improvement[best], mean[best], deviation[best])


def _time(work: Callable[[], _T]) -> tuple[_T, NDArray[np.float64]]:
    """Answer, and seconds by the clock and of the processor: the second says more on a busy machine."""
    start = np.array([time.perf_counter(), time.process_time()])
    answer = work()
    return answer, np.array([time.perf_counter(), time.process_time()]) - start


if __name__ == "__main__":
    main()
