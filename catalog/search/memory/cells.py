"""Vectors in cells of those that lie together, through which the nearest are found exactly.

A galaxy is at least as far from a vector as the vector is from the centre of the galaxy's cell, less the
galaxy's own distance from it. Cells are looked through from the nearest on, until what is left is certainly
further.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
_SQUARES_ERROR = 1e-5
"""Of a squared distance in single precision, in units of the squared lengths of the two vectors; with that of
Postgres' own distances, and far more than both."""
_DISTANCE_ERROR = 1e-4
"""Of a distance to a centre."""
_FIRST = 2_000
_ROUNDS = 8
_POINTS_A_CELL = 64
_BLOCK = 50_000
_SEED = 0


@dataclass(frozen=True)
class Nearest:
    """Some of the galaxies nearest to a vector.

    Attributes:
        places: (k,) their places among all, in no order.
        further_than: Every other galaxy that was asked for is certainly further from the vector than this;
            infinity where there is no other.
    """

    places: NDArray[np.int64]
    further_than: float


@dataclass(frozen=True)
class Cells:
    """How n galaxies are ordered: by cell, within each by the distance from its centre.

    Attributes:
        centres: Mean vector of each of the c cells, (c, 40) float32.
        radii: (c,) float32, how far the furthest galaxy of each is from its centre.
        starts: (c + 1,) the first place of each cell, and n.
        from_centre: (n,) float32, how far each is from its cell's centre.
        squares: (n,) float32, squared lengths of the vectors.
    """

    centres: Vectors
    radii: NDArray[np.float32]
    starts: NDArray[np.int64]
    from_centre: NDArray[np.float32]
    squares: NDArray[np.float32]


def sort_into_cells(vectors: Vectors) -> tuple[NDArray[np.int64], Cells]:
    """Find cells for vectors (k-means on a sample, a cell for each square root of n).

    Args:
        vectors: (n, 40) float32, n at least 1.

    Returns:
        (n,) the order in which they must be kept, and the cells of vectors so ordered.
    """
    import faiss  # noqa: PLC0415 - takes a moment, and most of the catalogue needs none of it

    n_cells = max(1, int(np.sqrt(len(vectors))))
    sampled = np.random.default_rng(_SEED).choice(
        len(vectors), min(len(vectors), _POINTS_A_CELL * n_cells), replace=False
    )
    means = faiss.Kmeans(vectors.shape[1], n_cells, niter=_ROUNDS, seed=_SEED, min_points_per_centroid=1)
    means.train(vectors[sampled])
    cell = np.empty(len(vectors), np.int64)
    for start in range(0, len(vectors), _BLOCK):
        block = slice(start, start + _BLOCK)
        cell[block] = means.index.search(vectors[block], 1)[1][:, 0]
    centres = np.asarray(means.centroids, np.float32)
    apart = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        block = slice(start, start + _BLOCK)
        apart[block] = np.linalg.norm(vectors[block] - centres[cell[block]], axis=1)
    order = np.lexsort((apart, cell))
    starts = np.searchsorted(cell[order], np.arange(n_cells + 1))
    squares = np.einsum("ij,ij->i", vectors, vectors)
    apart = apart[order]
    radii = np.where(np.diff(starts) > 0, apart[np.maximum(starts[1:] - 1, 0)], 0).astype(np.float32)
    return order, Cells(centres, radii, starts, apart, squares[order])


def put_into_one_cell(vectors: Vectors) -> tuple[NDArray[np.int64], Cells]:
    """The same for a few vectors, which are all compared."""
    centre = (
        vectors.mean(axis=0, keepdims=True) if len(vectors) else np.zeros((1, vectors.shape[1]), np.float32)
    )
    apart = np.linalg.norm(vectors - centre, axis=1)
    order = np.argsort(apart)
    squares = np.einsum("ij,ij->i", vectors, vectors)[order]
    radii, starts = np.array([apart.max(initial=0)], np.float32), np.array([0, len(vectors)])
    return order, Cells(centre, radii, starts, apart[order], squares)


def find_nearest(
    cells: Cells, vectors: Vectors, wanted: NDArray[np.int64], query: Vectors, k: int
) -> Nearest:
    """Find the k vectors nearest to one, among some.

    Args:
        cells: The cells into which `vectors` are sorted.
        vectors: (n, 40) float32, in the order of the cells.
        wanted: Places in `vectors` of those that may be found, rising.
        query: The vector whose nearest are wanted, (40,) float32.
        k: How many of the nearest are wanted.
    """
    ends = np.searchsorted(wanted, cells.starts)
    counts = np.diff(ends)
    apart = np.linalg.norm(cells.centres - query, axis=1)
    left = np.argsort(apart)
    left = left[counts[left] > 0]
    length = float(query @ query) + float(cells.squares.max(initial=0))
    margin = _DISTANCE_ERROR * max(1.0, math.sqrt(length))
    best, size = _Best(k), max(_FIRST, 4 * k)
    while len(left):
        batch = left[: int(np.searchsorted(np.cumsum(counts[left]), size)) + 1]
        places = np.concatenate([wanted[ends[cell] : ends[cell + 1]] for cell in batch])
        if best.is_full:
            to_centre = np.repeat(apart[batch], counts[batch])
            places = places[np.abs(to_centre - cells.from_centre[places]) <= best.distance + margin]
        best.add(places, cells.squares[places] - 2 * (vectors[places] @ query) + query @ query)
        left, size = left[len(batch) :], 2 * size
        if best.is_full:
            left = left[apart[left] - cells.radii[left] <= best.distance + margin]
    return best.result(len(wanted), _SQUARES_ERROR * length)


class _Best:
    """The k nearest so far."""

    def __init__(self, k: int) -> None:
        self._k = k
        self._places = np.empty(0, np.int64)
        self._squares = np.empty(0, np.float32)

    @property
    def is_full(self) -> bool:
        return len(self._places) >= self._k

    @property
    def distance(self) -> float:
        """Of the furthest of them."""
        return math.sqrt(max(0.0, float(self._squares.max())))

    def add(self, places: NDArray[np.int64], squares: NDArray[np.float32]) -> None:
        self._places = np.concatenate([self._places, places])
        self._squares = np.concatenate([self._squares, squares])
        if len(self._places) > self._k:
            chosen = np.argpartition(self._squares, self._k - 1)[: self._k]
            self._places, self._squares = self._places[chosen], self._squares[chosen]

    def result(self, asked: int, error: float) -> Nearest:
        if len(self._places) == asked:
            return Nearest(self._places, math.inf)
        return Nearest(self._places, math.sqrt(max(0.0, float(self._squares.max()) - error)))
