"""Which galaxies a person is shown next, against all of them computed."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm

from encoder.anomalies.acquisition import (
    Candidates,
    RatingBatch,
    expected_improvement,
    next_batch,
)
from encoder.anomalies.gaussian_process import InterestModel, fit_interest
from tests.encoder.anomalies.made_ratings import fit_model, make_vectors


@pytest.mark.parametrize("rating", [0.0, 3.0, 5.0])
def test_equal_ratings_predict_the_same_everywhere_and_ask_for_the_least_known(rating: float) -> None:
    points, galaxies = make_vectors(10), make_vectors(500, seed=1)
    model = fit_interest(points, np.full(10, rating))
    mean, deviation = model.predict(galaxies)
    np.testing.assert_allclose(mean, rating, atol=1e-6)
    batch = next_batch(model, galaxies, np.ones(500, bool))
    np.testing.assert_array_equal(batch.ids, np.argsort(-deviation, kind="stable")[:10])
    assert (batch.improvement > 0).all()


def test_expected_improvement_is_the_integral_over_the_normal() -> None:
    mean, deviation = (part.ravel() for part in np.meshgrid(np.linspace(-1, 6, 8), [0.15, 0.3, 1.0, 2.5]))
    ours = expected_improvement(mean.astype(np.float32), deviation.astype(np.float32), 4.0, 0.5)
    pairs = zip(mean.astype(np.float32), deviation.astype(np.float32), strict=True)
    np.testing.assert_allclose(
        ours, [_integral(float(m), float(s), 4.5) for m, s in pairs], rtol=1e-7, atol=0
    )


def test_expected_improvement_without_any_doubt_is_the_improvement() -> None:
    mean = np.array([3, 5.5, 7], np.float32)
    np.testing.assert_array_equal(expected_improvement(mean, np.zeros(3, np.float32), 4.0, 0.5), [0, 1, 2.5])


@pytest.mark.parametrize("n", [10, 300])
@pytest.mark.parametrize("chunk", [700, 6000])
def test_the_batch_and_the_ranking_are_those_of_all_galaxies_computed(n: int, chunk: int) -> None:
    model, galaxies = fit_model(n), make_vectors(6000, seed=1)
    rng = np.random.default_rng(2)
    allowed, ids = rng.random(6000) < 0.8, rng.permutation(10**6)[:6000]
    candidates = Candidates(model, top=2500)
    for start in range(0, 6000, chunk):
        rows = slice(start, start + chunk)
        candidates.add(ids[rows], galaxies[rows], allowed[rows])
    mean, deviation = model.predict(galaxies)
    improvement = np.where(allowed, expected_improvement(mean, deviation, model.best), -1)
    best = np.lexsort((ids, -improvement))[:10]
    _assert_same(candidates.batch, RatingBatch(ids[best], improvement[best], mean[best], deviation[best]))
    order = np.lexsort((ids, -mean))[:2500]
    np.testing.assert_array_equal(candidates.ranking.ids, ids[order])
    np.testing.assert_array_equal(candidates.ranking.mean, mean[order])


def test_threads_that_look_at_chunks_at_once_find_the_same() -> None:
    model, galaxies = fit_model(60), make_vectors(6000, seed=1)
    ids, allowed = np.random.default_rng(2).permutation(10**6)[:6000], np.arange(6000) % 3 > 0
    chunks = [slice(start, start + 500) for start in range(0, 6000, 500)]
    one_by_one, at_once = Candidates(model, top=700), Candidates(model, top=700)
    for rows in chunks:
        one_by_one.add(ids[rows], galaxies[rows], allowed[rows])
    makers = [lambda rows=rows: (ids[rows], galaxies[rows], allowed[rows]) for rows in chunks]
    at_once.add_each(makers)
    _assert_same(at_once.batch, one_by_one.batch)
    for name, value in vars(one_by_one.ranking).items():
        np.testing.assert_array_equal(getattr(at_once.ranking, name), value, strict=True)


def test_the_exact_deviation_is_computed_for_few_galaxies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = fit_model(300)
    computed = 0
    exact = InterestModel.predict

    def count_calls(
        self: InterestModel, galaxies: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        nonlocal computed
        computed += len(galaxies)
        return exact(self, galaxies)

    monkeypatch.setattr(InterestModel, "predict", count_calls)
    galaxies = make_vectors(20_000, seed=1)
    next_batch(model, galaxies, np.ones(20_000, bool))
    assert 10 <= computed < 4000


def test_galaxies_in_memory_are_numbered_by_their_place() -> None:
    model, galaxies = fit_model(50), make_vectors(300, seed=1)
    mean = model.predict(galaxies)[0]
    candidates = Candidates(model, top=20)
    candidates.add(np.arange(300), galaxies, np.ones(300, bool))
    ranking = candidates.ranking
    np.testing.assert_array_equal(ranking.ids, np.argsort(-mean, kind="stable")[:20])
    np.testing.assert_array_equal(ranking.mean, mean[ranking.ids])
    two = np.isin(np.arange(300), [7, 100])
    assert sorted(next_batch(model, galaxies, two).ids) == [7, 100]


def test_twins_come_lower_id_first() -> None:
    model, galaxies = fit_model(50), np.repeat(make_vectors(1, seed=1), 30, axis=0)
    candidates = Candidates(model, batch=3, top=4)
    for ids in (np.arange(45, 30, -1), np.arange(15, 30)):
        candidates.add(ids, galaxies[:15], np.ones(15, bool))
    assert candidates.batch.ids.tolist() == [15, 16, 17]
    assert candidates.ranking.ids.tolist() == [15, 16, 17, 18]


def test_ten_rounds_of_ten_ratings_find_most_of_a_rare_kind() -> None:
    rng = np.random.default_rng(3)
    galaxies = make_vectors(2000, seed=4)
    rare = rng.permutation(2000)[:20]
    galaxies[rare] = rng.normal(size=40) * 1.5 + rng.normal(size=(20, 40)) * 0.5
    truth = np.where(np.isin(np.arange(2000), rare), 5.0, rng.integers(0, 2, 2000))
    rated = rng.permutation(2000)[:10]
    for _ in range(9):
        model = fit_interest(galaxies[rated], truth[rated])
        allowed = ~np.isin(np.arange(2000), rated)
        rated = np.concatenate([rated, next_batch(model, galaxies, allowed).ids])
    assert len(np.unique(rated)) == 100
    assert np.isin(rare, rated).sum() >= 15  # one of random ones
    top = np.argsort(-fit_interest(galaxies[rated], truth[rated]).mean(galaxies))[:20]
    assert np.isin(top, rare).mean() >= 0.9


def _integral(mean: float, deviation: float, reach: float) -> float:
    """In units of the highest density, so that nothing is too small for the integrator."""
    start = max(mean, reach)
    highest = norm.logpdf(start, mean, deviation)
    area = quad(
        lambda x: (x - reach) * np.exp(norm.logpdf(x, mean, deviation) - highest),
        reach,
        start + 10 * deviation,
        epsabs=0,
        epsrel=1e-10,
        limit=200,
    )[0]
    return float(area * np.exp(highest))


def _assert_same(batch: RatingBatch, expected: RatingBatch) -> None:
    for name, value in vars(expected).items():
        np.testing.assert_array_equal(getattr(batch, name), value, strict=True)
