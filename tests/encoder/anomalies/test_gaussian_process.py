"""A person's interest as a Gaussian process, against scikit-learn's."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, RationalQuadratic, WhiteKernel
from sklearn.preprocessing import StandardScaler

from encoder.anomalies.gaussian_process import InterestModel, fit_interest, standardise
from encoder.errors import LearningError
from tests.encoder.anomalies.made_ratings import fit_model, make_ratings, make_vectors


def test_vectors_are_standardised_as_by_the_paper() -> None:
    search = make_vectors(200) * np.geomspace(1, 0.01, 40, dtype=np.float32)
    search -= search.mean(axis=0)
    ours = standardise(search, search.std(axis=0))
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, StandardScaler().fit_transform(search), atol=1e-4)


@pytest.mark.parametrize("n", [2, 90, 300])
def test_predictions_are_those_of_scikit_learn_with_the_same_kernel(n: int) -> None:
    model, galaxies = fit_model(n), make_vectors(4500, seed=1)
    mean, deviation = _sklearn_prediction(model, n, galaxies)
    ours = model.predict(galaxies)
    assert [part.dtype for part in ours] == [np.float32, np.float32]
    np.testing.assert_allclose(ours[0], mean, atol=1e-5)
    np.testing.assert_allclose(ours[1], deviation, atol=1e-5)
    np.testing.assert_allclose(model.mean(galaxies), mean, atol=1e-5)


def test_the_kernel_is_the_most_likely_one_near_it() -> None:
    model = fit_model(300)
    theta = np.log([model.amplitude, model.alpha, model.length_scale, model.noise])
    likelihood = _regressor(model, 300).log_marginal_likelihood
    for axis in np.eye(4) * 0.1:
        assert likelihood(theta) > likelihood(theta + axis)
        assert likelihood(theta) > likelihood(theta - axis)


def test_the_kernel_of_many_ratings_is_fitted_to_500_and_all_of_them_predict() -> None:
    points, ratings = make_ratings(501)
    model = fit_interest(points, ratings)
    drawn = np.random.default_rng(0).choice(501, 500, replace=False)
    fewer = fit_interest(points[drawn], ratings[drawn])
    assert (model.length_scale, model.alpha) == pytest.approx((fewer.length_scale, fewer.alpha), rel=0.02)
    assert model.weight.shape == (501,)
    np.testing.assert_allclose(
        model.predict(points)[0], _sklearn_prediction(model, 501, points)[0], atol=1e-5
    )


def test_the_same_ratings_give_the_same_model_and_its_bytes_give_it_back() -> None:
    model, again = fit_model(60), fit_model(60)
    assert model.to_bytes() == again.to_bytes()
    read = InterestModel.from_bytes(model.to_bytes())
    for name, value in vars(model).items():
        np.testing.assert_array_equal(getattr(read, name), value, strict=isinstance(value, np.ndarray))
        assert type(getattr(read, name)) is type(value)


def test_damaged_bytes_are_an_error_of_one_line() -> None:
    content = fit_model(2).to_bytes()
    with pytest.raises(LearningError, match="a saved interest of 100 bytes cannot be read"):
        InterestModel.from_bytes(content[:100])
    with pytest.raises(LearningError, match=r"a saved interest holds .*points.*, not points, weight"):
        InterestModel.from_bytes(content.replace(b'"alpha"', b'"alphb"'))


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        ([1.0, np.nan], "rating nan is not from 0 to 5"),
        ([1.0, 5.5], "rating 5.5 is not from 0 to 5"),
        ([-1.0, 2.0], "rating -1 is not from 0 to 5"),
        ([3.0], "fewer than 2 ratings, and there are 1"),
        ([], "fewer than 2 ratings, and there are 0"),
    ],
)
def test_ratings_that_nothing_can_be_learnt_from_are_an_error_of_one_line(
    ratings: list[float], message: str
) -> None:
    with pytest.raises(LearningError, match=message):
        fit_interest(make_vectors(len(ratings)), np.array(ratings))


def _regressor(model: InterestModel, n: int) -> GaussianProcessRegressor:
    points, ratings = make_ratings(n)
    kernel = ConstantKernel(model.amplitude) * RationalQuadratic(model.length_scale, model.alpha)
    fixed = GaussianProcessRegressor(kernel + WhiteKernel(model.noise), optimizer=None)
    return fixed.fit(points.astype(np.float64), ratings - ratings.mean())


def _sklearn_prediction(
    model: InterestModel, n: int, galaxies: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean, deviation = _regressor(model, n).predict(galaxies.astype(np.float64), return_std=True)
    return mean + make_ratings(n)[1].mean(), np.sqrt(
        deviation**2 - model.noise
    )  # its own is that of a rating
