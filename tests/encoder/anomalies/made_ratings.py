"""Galaxies with made-up ratings, and a model fitted to them."""

import numpy as np
from numpy.typing import NDArray

from encoder.anomalies.gaussian_process import InterestModel, fit_interest


def make_vectors(n: int, seed: int = 0) -> NDArray[np.float32]:
    """Standardised vectors with fewer directions than 40, as those of galaxies have."""
    mixing = np.random.default_rng(42).normal(size=(12, 40)) / np.sqrt(12)
    rng = np.random.default_rng(seed)
    vectors: NDArray[np.float64] = rng.normal(size=(n, 12)) @ mixing + rng.normal(size=(n, 40)) * 0.3
    return vectors.astype(np.float32)


def make_ratings(n: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Ratings that fall with the distance from one kind of galaxy."""
    points = make_vectors(n)
    distance = np.linalg.norm(points - make_vectors(1, seed=5), axis=1)
    return points, np.clip(np.round(9 - distance + np.random.default_rng(6).normal(size=n) / 2), 0, 5)


def fit_model(n: int) -> InterestModel:
    return fit_interest(*make_ratings(n))
