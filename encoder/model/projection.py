"""The projection: the few directions in which galaxies differ, scaled so that distances read easily.

The paper's released product keeps 40 principal components and forgets the mean, so nobody can add a
galaxy to it. Here the mean, the scale and the spread of each axis travel with the weights.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from encoder.errors import TrainingError

SEARCH_DIMENSIONS = 40
"""Axes of the searched vector, as many as the catalogue's column has."""
_PAIRS = 20_000


@dataclass(frozen=True)
class Projection:
    """A linear map from the full embedding to the searched vector.

    Attributes:
        mean: Mean vector of the sample that it was fitted on, (d,) float32.
        components: Orthonormal principal directions, most variance first, (n, d) float32.
        deviations: Standard deviation of the sample along each axis of the searched vector, (n,) float32.
        scale: Factor after the components, so that two random galaxies of the sample are 1 apart on average.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    deviations: NDArray[np.float32]
    scale: float

    def __post_init__(self) -> None:
        n, d = self.components.shape
        if self.mean.shape != (d,) or self.deviations.shape != (n,):
            raise ValueError(f"projection shapes differ: {self.mean.shape}, {n, d}, {self.deviations.shape}")

    def apply(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        """Searched vectors of galaxies; compare them by Euclidean distance.

        Args:
            embedding: Vectors of n galaxies, (n, d).

        Returns:
            Searched vectors, (n, n_components) float32; two random galaxies are about 1 apart.
        """
        centred: NDArray[np.float32] = embedding.astype(np.float32) - self.mean
        turned: NDArray[np.float32] = (self.components * np.float32(self.scale)).T
        return centred @ turned


def fit_projection(embedding: NDArray[np.float32], n: int = SEARCH_DIMENSIONS) -> Projection:
    """Fit the principal components of a sample, and the scale at which its random pairs are 1 apart.

    Args:
        embedding: Vectors of the sample, (galaxies, d).
        n: Number of components to keep.

    Raises:
        TrainingError: The sample has fewer galaxies or dimensions than components, or does not vary.
    """
    if min(embedding.shape) < n:
        raise TrainingError(
            f"a projection to {n} axes cannot be fitted on a sample of shape {embedding.shape}"
        )
    if (embedding == embedding[0]).all():
        raise TrainingError("a projection cannot be fitted: all galaxies of the sample have the same vector")
    pca = PCA(n, svd_solver="full").fit(embedding.astype(np.float64))
    projected = pca.transform(embedding.astype(np.float64))
    distance = _mean_pair_distance(projected)
    return Projection(
        mean=pca.mean_.astype(np.float32),
        components=pca.components_.astype(np.float32),
        deviations=(projected.std(axis=0) / distance).astype(np.float32),
        scale=float(1 / distance),
    )


def empty_projection(dimension: int) -> Projection:
    """What a weights file holds until its projection is fitted on vectors of the rounded network.

    Args:
        dimension: Width of the full embedding.
    """
    nothing = np.zeros((SEARCH_DIMENSIONS, dimension), np.float32)
    return Projection(np.zeros(dimension, np.float32), nothing, np.zeros(SEARCH_DIMENSIONS, np.float32), 1.0)


def _mean_pair_distance(projected: NDArray[np.float64]) -> float:
    rng = np.random.default_rng(0)
    first, second = rng.integers(len(projected), size=(2, _PAIRS))
    differ = first != second
    return float(np.linalg.norm(projected[first[differ]] - projected[second[differ]], axis=1).mean())
