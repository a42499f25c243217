import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from encoder.errors import TrainingError
from encoder.model.projection import Projection, fit_projection


def test_two_random_galaxies_are_1_apart_on_average() -> None:
    sample = _sample()
    searched = fit_projection(sample).apply(sample)
    assert searched.shape == (300, 40)
    assert searched.dtype == np.float32
    assert pdist(searched).mean() == pytest.approx(1, abs=0.02)


def test_distances_are_those_of_the_principal_components() -> None:
    sample = _sample()
    expected = pdist(PCA(40, svd_solver="full").fit_transform(sample.astype(np.float64)))
    ours = pdist(fit_projection(sample).apply(sample))
    np.testing.assert_allclose(ours / ours.mean(), expected / expected.mean(), rtol=1e-4)


def test_the_deviations_are_those_of_the_projected_sample_most_first() -> None:
    sample = _sample()
    projection = fit_projection(sample)
    np.testing.assert_allclose(projection.apply(sample).std(axis=0), projection.deviations, rtol=1e-4)
    assert (np.diff(projection.deviations) <= 0).all()


def test_a_new_galaxy_is_projected_with_the_mean_of_the_sample() -> None:
    sample = _sample()
    projection = fit_projection(sample, 5)
    by_hand = [
        [projection.scale * float(np.dot(axis, new - sample.mean(axis=0))) for axis in projection.components]
        for new in _sample(seed=9)[:3]
    ]
    np.testing.assert_allclose(projection.apply(_sample(seed=9)[:3]), by_hand, rtol=1e-3, atol=1e-5)


def test_a_sample_too_small_or_without_variance_is_an_error_of_one_line() -> None:
    with pytest.raises(TrainingError, match=r"cannot be fitted on a sample of shape \(39, 64\)"):
        fit_projection(_sample()[:39])
    with pytest.raises(TrainingError, match="all galaxies of the sample have the same vector"):
        fit_projection(np.ones((50, 64), np.float32))


def test_tensors_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="projection shapes differ"):
        Projection(np.zeros(3, np.float32), np.zeros((2, 4), np.float32), np.zeros(2, np.float32), 1.0)


def _sample(seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(42).normal(size=(64, 64)) * np.geomspace(1, 0.05, 64)[:, None]
    return (rng.normal(size=(300, 64)) @ mixing + 2).astype(np.float32)
