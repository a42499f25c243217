"""The anomaly score: how far a galaxy lies from all the crowds of a frozen reference sample.

Distance to the k-th of a few hundred reference galaxies, k a twentieth of them. A small k would call strange
galaxies normal as soon as the sample holds a handful of the same strange kind; a share of 5 % does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.errors import TrainingError

POINTS = 500
"""Galaxies of the sample that distances are measured to; more were measured to find no more."""
NEIGHBOUR_SHARE = 0.05
"""The k-th neighbour, as a share of the points."""
_TAIL_SHARE = 0.05
_MIN_SAMPLE = 40
_ROWS = 4096  # galaxies a step: 16 MB of distances


@dataclass(frozen=True)
class AnomalyReference:
    """What a score is measured against; it never changes, so a new tile changes no old score.

    Attributes:
        points: Galaxies of the sample in searched vectors, each axis divided by its deviation, (p, d)
            float32.
        deviations: Standard deviation of the sample along each axis of the searched vector, (d,) float32.
        distances: How far each galaxy of the sample lies from the others, sorted, (n,) float32.
        neighbours: Number k of the neighbour that counts: the distance is that to the k-th nearest point.
        tail: Mean excess of the sample's largest distances, the unit in which larger ones are reckoned.
    """

    points: NDArray[np.float32]
    deviations: NDArray[np.float32]
    distances: NDArray[np.float32]
    neighbours: int
    tail: float

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.deviations.shape != self.points.shape[1:]:  # noqa: PLR2004 - a table
            raise ValueError(f"anomaly shapes differ: {self.points.shape}, {self.deviations.shape}")
        if not 1 <= self.neighbours <= len(self.points):
            raise ValueError(f"neighbour {self.neighbours} of {len(self.points)} points")

    def score(self, search: NDArray[np.float32]) -> NDArray[np.float32]:
        """The share of the sample that is less strange, between its galaxies interpolated.

        Beyond the sample's strangest the score goes on growing, as 1 - 1 / ((n + 1) (1 + excess / tail)): a
        Pareto tail, heavy on purpose, so that float32 keeps the order of the very strangest too (with 4,000
        galaxies, of distances that differ by a tail up to some 60 tails out).

        Args:
            search: Searched vectors of m galaxies, (m, d).

        Returns:
            Score of each galaxy, (m,) float32 in 0..1, the higher the stranger.

        Raises:
            ValueError: The vectors have another width, or a number in them is not finite.
        """
        if search.ndim != 2 or search.shape[1] != len(self.deviations):  # noqa: PLR2004 - a table
            raise ValueError(f"vectors of shape {search.shape} where (m, {len(self.deviations)}) is wanted")
        if not np.isfinite(search).all():
            row = int(np.flatnonzero(~np.isfinite(search).all(axis=1))[0])
            raise ValueError(f"vector {row} is not finite")
        distance = _kth_distance(search / self.deviations, self.points, self.neighbours)
        return self._quantile(distance.astype(np.float64)).astype(np.float32)

    def _quantile(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        n = len(self.distances)
        levels = np.arange(n + 1) / (n + 1)
        inside = np.interp(distance, np.append(0.0, self.distances), levels)
        excess = np.maximum(distance - self.distances[-1], 0.0)
        beyond = 1 - 1 / ((n + 1) * (1 + excess / self.tail))
        quantile: NDArray[np.float64] = np.where(excess > 0, beyond, inside)
        return quantile

    def to_arrays(self) -> dict[str, NDArray[np.float32]]:
        """All of it as float32 arrays, for a weights file or columns of a table."""
        return {
            "points": self.points,
            "deviations": self.deviations,
            "distances": self.distances,
            "neighbours": np.array([self.neighbours], np.float32),
            "tail": np.array([self.tail], np.float32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float32]]) -> "AnomalyReference":
        """What `to_arrays` gave, bit by bit.

        Raises:
            KeyError: An array is missing.
            ValueError: Shapes do not fit together.
        """
        return cls(
            points=arrays["points"],
            deviations=arrays["deviations"],
            distances=arrays["distances"],
            neighbours=int(arrays["neighbours"][0]),
            tail=float(arrays["tail"][0]),
        )


def fit_anomaly(search: NDArray[np.float32]) -> AnomalyReference:
    """Fit the reference; the same sample in the same order gives the same bits.

    Args:
        search: Searched vectors of the sample, (n, d), best of that which the projection was fitted on.

    Raises:
        TrainingError: The sample has too few galaxies, an axis along which it does not vary, or a number that
            is not finite.
    """
    if len(search) < _MIN_SAMPLE:
        raise TrainingError(
            f"an anomaly score cannot be fitted on {len(search)} galaxies, {_MIN_SAMPLE} are needed"
        )
    if not np.isfinite(search).all():
        row = int(np.flatnonzero(~np.isfinite(search).all(axis=1))[0])
        raise TrainingError(f"an anomaly score cannot be fitted: vector {row} of the sample is not finite")
    deviations = search.std(axis=0, dtype=np.float64).astype(np.float32)
    if not deviations.all():
        axis = int(np.argmin(deviations))
        raise TrainingError(f"an anomaly score cannot be fitted: the sample does not vary along axis {axis}")
    scaled = search / deviations
    chosen = np.random.default_rng(0).permutation(len(scaled))[:POINTS]
    neighbours = round(NEIGHBOUR_SHARE * len(chosen))
    distances = np.sort(_own_distances(scaled, chosen, neighbours))
    tail = distances[-max(2, round(_TAIL_SHARE * len(distances))) :]
    mean_excess = float(np.float32((tail - tail[0]).mean(dtype=np.float64)))
    if not mean_excess:
        raise TrainingError(
            "an anomaly score cannot be fitted: the sample's strangest galaxies are all alike"
        )
    return AnomalyReference(scaled[chosen], deviations, distances, neighbours, mean_excess)


def _own_distances(
    scaled: NDArray[np.float32], chosen: NDArray[np.int64], neighbours: int
) -> NDArray[np.float32]:
    """Distances of the sample itself, (n,): a galaxy that is a point has one neighbour more, itself."""
    points = scaled[chosen]
    distances = _kth_distance(scaled, points, neighbours)
    distances[chosen] = _kth_distance(points, points, neighbours + 1)
    return distances


def _kth_distance(
    scaled: NDArray[np.float32], points: NDArray[np.float32], neighbours: int
) -> NDArray[np.float32]:
    """Distance to the k-th nearest point, (m,); in float64, so that the rest of the batch has no say."""
    exact = points.astype(np.float64)
    lengths = (exact**2).sum(axis=1)
    distances = np.empty(len(scaled), np.float32)
    for start in range(0, len(scaled), _ROWS):
        rows = scaled[start : start + _ROWS].astype(np.float64)
        squared = (rows**2).sum(axis=1)[:, None] + lengths - 2 * (rows @ exact.T)
        kth = np.partition(squared.astype(np.float32), neighbours - 1, axis=1)[:, neighbours - 1]
        distances[start : start + _ROWS] = np.sqrt(np.maximum(kth, 0))
    return distances
