"""Domain distances are those of a plain loop, and 99 % of the sample lie below 1."""

import numpy as np
import pytest

from encoder.anomalies.domain import NEIGHBOURS, POINTS, DomainReference, fit_domain
from encoder.errors import TrainingError

SAMPLE = np.random.default_rng(3).normal(size=(1_200, 5)).astype(np.float32)


def mean_of_nearest(row: np.ndarray, points: np.ndarray, skip: int = 0) -> float:
    distances = sorted(float(np.linalg.norm(row.astype(np.float64) - point)) for point in points)
    return sum(distances[skip : skip + NEIGHBOURS]) / NEIGHBOURS


def fit_reference(sample: np.ndarray = SAMPLE) -> DomainReference:
    domain = fit_domain(sample)
    assert domain is not None
    return domain


def test_a_distance_is_the_mean_to_the_ten_nearest_over_the_limit() -> None:
    domain = fit_reference()
    asked = np.random.default_rng(4).normal(size=(7, 5)).astype(np.float32) * 3
    expected = [mean_of_nearest(row, domain.points.astype(np.float64)) / domain.limit for row in asked]
    np.testing.assert_allclose(domain.distance(asked), expected, rtol=1e-6)


def test_the_limit_is_the_99th_percentile_of_the_samples_own_distances_each_galaxy_without_itself() -> None:
    small = SAMPLE[:150]
    own = [mean_of_nearest(row, small.astype(np.float64), skip=1) for row in small]
    assert fit_reference(small).limit == pytest.approx(float(np.quantile(own, 0.99)), rel=1e-6)
    assert len(fit_reference().points) == POINTS
    fresh = np.random.default_rng(9).normal(size=(5_000, 5)).astype(np.float32)
    assert 0.003 < (fit_reference().distance(fresh) > 1).mean() < 0.02
    assert (fit_reference().distance(fresh + 6) > 1).all()


def test_a_galaxy_has_the_same_distance_alone_and_in_company() -> None:
    domain = fit_reference()
    together = domain.distance(SAMPLE[:50])
    np.testing.assert_array_equal([domain.distance(SAMPLE[i : i + 1])[0] for i in range(50)], together)


def test_arrays_give_the_same_reference_back() -> None:
    again = DomainReference.from_arrays(fit_reference().to_arrays())
    np.testing.assert_array_equal(again.distance(SAMPLE), fit_reference().distance(SAMPLE))


def test_what_cannot_be_a_reference_is_refused_and_a_few_galaxies_give_none() -> None:
    assert fit_domain(SAMPLE[:99]) is None
    broken = SAMPLE.copy()
    broken[7, 2] = np.nan
    with pytest.raises(TrainingError, match="vector 7 of the sample is not finite"):
        fit_domain(broken)
    with pytest.raises(TrainingError, match="all alike"):
        fit_domain(np.ones((200, 5), np.float32))
    with pytest.raises(ValueError, match="shape"):
        fit_reference().distance(SAMPLE[:, :4])
    with pytest.raises(ValueError, match="vector 7 is not finite"):
        fit_reference().distance(broken)
