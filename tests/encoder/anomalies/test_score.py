import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from encoder.anomalies.score import NEIGHBOUR_SHARE, POINTS, AnomalyReference, fit_anomaly
from encoder.errors import TrainingError


def test_a_score_is_the_share_of_the_sample_that_is_less_strange() -> None:
    sample, new = _sample(400), _sample(200, seed=1)
    own, theirs = _slow_distances(sample, new)
    between = (theirs > own.min()) & (theirs < own.max())
    expected = np.array([(own < d).mean() for d in theirs])
    np.testing.assert_allclose(fit_anomaly(sample).score(new)[between], expected[between], atol=1.01 / 400)
    assert between.sum() > 190


def test_beyond_the_sample_the_score_follows_the_stated_tail() -> None:
    sample = _sample(400)
    far = np.outer([3, 5, 10, 50, 200], sample[0]).astype(np.float32)
    own, theirs = _slow_distances(sample, far)
    largest = np.sort(own)[-20:]
    unit = (largest - largest[0]).mean()
    expected = 1 - 1 / (401 * (1 + (theirs - own.max()) / unit))
    np.testing.assert_allclose(fit_anomaly(sample).score(far), expected, rtol=1e-6)


def test_the_scores_of_another_sample_of_the_same_galaxies_are_evenly_spread() -> None:
    scores = np.sort(fit_anomaly(_sample(3000)).score(_sample(3000, seed=1)))
    np.testing.assert_allclose(scores, np.linspace(0, 1, 3000), atol=0.06)


def test_a_galaxy_farther_out_has_a_higher_score_and_the_order_is_kept_beyond_the_sample() -> None:
    sample = _sample(600)
    outwards = np.outer(np.geomspace(0.2, 20, 60), sample.std(axis=0)).astype(np.float32)
    scores = fit_anomaly(sample).score(outwards)
    assert (np.diff(scores) > 0).all()
    assert scores[0] < 0.1
    assert 600 / 601 < scores[-1] < 1


def test_an_outlier_scores_above_all_of_the_sample() -> None:
    sample = _sample(600)
    reference = fit_anomaly(sample)
    outlier = np.full((1, 40), 6, np.float32) * sample.std(axis=0)
    assert reference.score(outlier)[0] > reference.score(sample).max()


def test_a_small_crowd_of_strange_galaxies_in_the_sample_stays_strange() -> None:
    sample = _sample(1000)
    sample[:20] += 5 * sample.std(axis=0)
    scores = fit_anomaly(sample).score(sample)
    assert scores[:20].min() > scores[20:].max()


def test_the_same_vectors_give_the_same_bits_alone_or_together() -> None:
    sample, new = _sample(600), _sample(50, seed=1)
    together = fit_anomaly(sample).score(new)
    alone = np.concatenate([fit_anomaly(sample).score(row[None]) for row in new])
    np.testing.assert_array_equal(alone, together)
    assert together.dtype == np.float32


def test_a_large_sample_is_measured_against_some_of_its_galaxies_and_every_step_of_rows() -> None:
    sample, new = _sample(1500), _sample(5000, seed=1)
    reference = fit_anomaly(sample)
    assert reference.points.shape == (POINTS, 40)
    assert reference.distances.shape == (1500,)
    parts = [reference.score(part) for part in np.array_split(new, 7)]
    np.testing.assert_array_equal(reference.score(new), np.concatenate(parts))


def test_a_reference_comes_back_from_its_arrays_bit_by_bit() -> None:
    reference, new = fit_anomaly(_sample(600)), _sample(50, seed=1)
    arrays = reference.to_arrays()
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}
    back = AnomalyReference.from_arrays(arrays)
    np.testing.assert_array_equal(back.score(new), reference.score(new))
    assert (back.neighbours, back.tail) == (reference.neighbours, reference.tail)


def test_no_galaxy_has_no_score() -> None:
    assert fit_anomaly(_sample(100)).score(np.empty((0, 40), np.float32)).shape == (0,)


def test_a_sample_that_cannot_be_fitted_is_an_error_of_one_line() -> None:
    with pytest.raises(TrainingError, match="cannot be fitted on 39 galaxies, 40 are needed"):
        fit_anomaly(_sample(39))
    flat = _sample(100)
    flat[:, 7] = 1
    with pytest.raises(TrainingError, match="does not vary along axis 7"):
        fit_anomaly(flat)
    broken = _sample(100)
    broken[3, 2] = np.nan
    with pytest.raises(TrainingError, match="vector 3 of the sample is not finite"):
        fit_anomaly(broken)
    with pytest.raises(TrainingError, match="strangest galaxies are all alike"):
        fit_anomaly(np.repeat(np.eye(2, dtype=np.float32), 50, axis=0))


def test_vectors_that_do_not_fit_are_refused() -> None:
    reference = fit_anomaly(_sample(100))
    with pytest.raises(ValueError, match=r"shape \(3, 39\) where \(m, 40\) is wanted"):
        reference.score(np.zeros((3, 39), np.float32))
    with pytest.raises(ValueError, match="vector 1 is not finite"):
        reference.score(np.array([[0.0] * 40, [np.inf] * 40], np.float32))
    arrays = reference.to_arrays()
    with pytest.raises(ValueError, match="anomaly shapes differ"):
        AnomalyReference.from_arrays(arrays | {"deviations": np.ones(39, np.float32)})
    with pytest.raises(ValueError, match="neighbour 101 of 100 points"):
        AnomalyReference.from_arrays(arrays | {"neighbours": np.array([101], np.float32)})


def _slow_distances(
    sample: NDArray[np.float32], new: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of a sample that is its own points: to the others of the sample, and from new galaxies to all."""
    deviation = sample.std(axis=0)
    k = round(NEIGHBOUR_SHARE * len(sample))
    own = np.sort(cdist(sample / deviation, sample / deviation), axis=1)[:, k]
    theirs = np.sort(cdist(new / deviation, sample / deviation), axis=1)[:, k - 1]
    return own, theirs


def _sample(n: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, 40)) * np.geomspace(0.4, 0.02, 40)).astype(np.float32)
