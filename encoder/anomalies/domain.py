"""The domain distance: how far a galaxy lies from the real galaxies that a release was trained on.

Mean distance to the nearest of a sample of them (compare Sun et al. 2022, *Out-of-Distribution Detection
with Deep Nearest Neighbors*, ICML), in units of what 99 % of that sample stay below among themselves. The
sample of the anomaly score does not serve: simulated galaxies are part of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.errors import TrainingError

POINTS = 1000
"""Galaxies of the sample that distances are measured to: 160 kB of a weights file."""
NEIGHBOURS = 10
LEVEL = 0.99
"""Share of the sample whose own distance is at most 1."""
_MIN_SAMPLE = 100
_ROWS = 4096  # galaxies a step: 32 MB of distances


@dataclass(frozen=True)
class DomainReference:
    """What a domain distance is measured against; it never changes with a release.

    Attributes:
        points: Real training galaxies in searched vectors, (p, d) float32.
        neighbours: How many of the nearest points count.
        limit: Mean distance to them below which 99 % of the sample lie, each galaxy without itself.
    """

    points: NDArray[np.float32]
    neighbours: int
    limit: float

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or not 1 <= self.neighbours < len(self.points):  # noqa: PLR2004 - a table
            raise ValueError(f"{self.neighbours} neighbours among points of shape {self.points.shape}")
        if not self.limit > 0:
            raise ValueError(f"a limit of {self.limit} is no distance")

    def distance(self, search: NDArray[np.float32]) -> NDArray[np.float32]:
        """Distances of galaxies from the real training galaxies; above 1 is further than 99 % of these.

        Args:
            search: Searched vectors of m galaxies, (m, d).

        Returns:
            Distance of each, (m,) float32, without unit.

        Raises:
            ValueError: The vectors have another width, or a number in them is not finite.
        """
        if search.ndim != 2 or search.shape[1] != self.points.shape[1]:  # noqa: PLR2004 - a table
            raise ValueError(f"vectors of shape {search.shape} where (m, {self.points.shape[1]}) is wanted")
        if not np.isfinite(search).all():
            row = int(np.flatnonzero(~np.isfinite(search).all(axis=1))[0])
            raise ValueError(f"vector {row} is not finite")
        return (_mean_distance(search, self.points, self.neighbours) / self.limit).astype(np.float32)

    def to_arrays(self) -> dict[str, NDArray[np.float32]]:
        """All of it as float32 arrays, for a weights file."""
        return {
            "points": self.points,
            "neighbours": np.array([self.neighbours], np.float32),
            "limit": np.array([self.limit], np.float32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float32]]) -> "DomainReference":
        """The reference of which `to_arrays` gave these arrays.

        Raises:
            KeyError: An array is missing.
            ValueError: They do not fit together.
        """
        return cls(arrays["points"], int(arrays["neighbours"][0]), float(arrays["limit"][0]))


def fit_domain(search: NDArray[np.float32]) -> DomainReference | None:
    """Fit the reference; the same sample in the same order gives the same bits.

    Args:
        search: Searched vectors of the real training galaxies, (n, d).

    Returns:
        The reference; None of fewer than 100 galaxies, whose 99th percentile says nothing.

    Raises:
        TrainingError: A number of the sample is not finite, or its galaxies are all alike.
    """
    if len(search) < _MIN_SAMPLE:
        return None
    if not np.isfinite(search).all():
        row = int(np.flatnonzero(~np.isfinite(search).all(axis=1))[0])
        raise TrainingError(f"domain distances cannot be fitted: vector {row} of the sample is not finite")
    chosen = np.random.default_rng(0).permutation(len(search))[:POINTS]
    points = search[chosen]
    own = _mean_distance(search, points, NEIGHBOURS)
    own[chosen] = _mean_distance(points, points, NEIGHBOURS, itself=1)
    limit = float(np.float32(np.quantile(own, LEVEL)))
    if not limit:
        raise TrainingError("domain distances cannot be fitted: the sample's galaxies are all alike")
    return DomainReference(points, NEIGHBOURS, limit)


def _mean_distance(
    rows: NDArray[np.float32], points: NDArray[np.float32], neighbours: int, itself: int = 0
) -> NDArray[np.float64]:
    """Mean distance to the nearest points, (m,), in float64; `itself` nearest ones are left out."""
    exact = points.astype(np.float64)
    lengths = (exact**2).sum(axis=1)
    means = np.empty(len(rows))
    last = itself + neighbours
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS].astype(np.float64)
        squared = (part**2).sum(axis=1)[:, None] + lengths - 2 * (part @ exact.T)
        nearest = np.sort(np.partition(squared, last - 1, axis=1)[:, :last], axis=1)[:, itself:]
        means[start : start + _ROWS] = np.sqrt(np.maximum(nearest, 0)).mean(axis=1)
    return means
