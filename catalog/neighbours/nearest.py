"""The nearest of many vectors, for many at once: in blocks, by lists of vectors that lie together (faiss)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.constants import SEARCH_DIMENSION

RECALL = 0.995
"""Share of the nearest that is found of a sample, for which so many lists are looked through."""
EXACT = 20_000
"""Vectors that are all compared: lists would save nothing."""
_SAMPLE = 300
_LISTS = 2.0  # times the square root of the number of vectors
_POINTS_A_LIST = 64
_ROUNDS = 8
_BLOCK = 4_096
_SEED = 0

Vectors = NDArray[np.float32]


class NearestVectors:
    """Finds the nearest of a fixed set of vectors, Euclidean.

    Args:
        ids: object_ids of the n galaxies, (n,), each once.
        vectors: Search vectors of these galaxies, (n, 40).
        k: How many nearest will be asked for: the number of lists that are looked through is chosen for it.
    """

    def __init__(self, ids: NDArray[np.int64], vectors: Vectors, k: int) -> None:
        order = np.argsort(ids)
        self.ids = ids[order]
        self._vectors = np.ascontiguousarray(vectors[order])
        self._k = k
        self._index = _lists_of(self._vectors) if len(ids) > EXACT else None
        if self._index is not None:
            self._choose_lists()

    def find(self, object_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k nearest of each of some galaxies of the set, without itself.

        Args:
            object_ids: object_ids of the m galaxies whose neighbours are wanted, (m,); all are of the set.

        Returns:
            (m, k) object_ids, the nearest first, those equally far by object_id, and (m, k) distances; fewer
            columns where the set has not as many galaxies.
        """
        near, distances = [], []
        for start in range(0, len(object_ids), _BLOCK):
            wanted = np.searchsorted(self.ids, object_ids[start : start + _BLOCK])
            places = self._others(wanted, self._search(self._vectors[wanted], self._width))
            gap = self._vectors[places] - self._vectors[wanted][:, None]
            apart = np.sqrt(np.einsum("mkd,mkd->mk", gap, gap))  # exact where faiss' own may cancel
            order = np.lexsort((self.ids[places], apart), axis=1)
            near.append(self.ids[np.take_along_axis(places, order, axis=1)])
            distances.append(np.take_along_axis(apart, order, axis=1))
        width = max(self._width - 1, 0)
        if not near:
            return np.empty((0, width), np.int64), np.empty((0, width), np.float32)
        return np.concatenate(near), np.concatenate(distances)

    def recall(self, n: int, seed: int = 1) -> float:
        """Share of the nearest of n random galaxies that `find` gives, by comparing them with all."""
        rng = np.random.default_rng(seed)
        chosen = self.ids[rng.choice(len(self.ids), min(n, len(self.ids)), replace=False)]
        _, found = self.find(chosen)
        wanted = np.searchsorted(self.ids, chosen)
        exact = self._others(wanted, _compare_all(self._vectors, self._vectors[wanted], self._width))
        gap = self._vectors[exact] - self._vectors[wanted][:, None]
        furthest = np.sqrt(np.einsum("mkd,mkd->mk", gap, gap)).max(axis=1, initial=0)
        return float((found <= furthest[:, None] + 1e-6).mean()) if found.size else 1.0

    @property
    def _width(self) -> int:
        return min(self._k + 1, len(self.ids))

    def _search(self, queries: Vectors, width: int) -> NDArray[np.int64]:
        if self._index is None:
            return _compare_all(self._vectors, queries, width)
        _, places = self._index.search(queries, width)
        short = np.flatnonzero((places < 0).any(axis=1))  # its lists hold too few
        if len(short):
            places[short] = _compare_all(self._vectors, queries[short], width)
        return np.asarray(places, np.int64)

    def _others(self, wanted: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Take each galaxy out of its own answer; where twins have pushed it out, the last one instead."""
        is_own = places == wanted[:, None]
        is_own[~is_own.any(axis=1), -1] = True
        others: NDArray[np.int64] = places[~is_own].reshape(len(places), -1)
        return others

    def _choose_lists(self) -> None:
        """Look through twice as many lists until a sample's nearest are found."""
        assert self._index is not None  # noqa: S101 - asked before
        rng = np.random.default_rng(_SEED)
        sample = self._vectors[rng.choice(len(self._vectors), _SAMPLE, replace=False)]
        exact = _compare_all(self._vectors, sample, self._width)
        self._index.nprobe = 4
        while self._index.nprobe < self._index.nlist:
            _, places = self._index.search(sample, self._width)
            found = [len(np.intersect1d(a, b)) for a, b in zip(exact, places, strict=True)]
            if np.mean(found) >= RECALL * self._width:
                return
            self._index.nprobe *= 2


def _lists_of(vectors: Vectors) -> Any:  # noqa: ANN401 - faiss ships no types
    import faiss  # noqa: PLC0415 - takes a moment, and most of the catalogue needs none of it

    n_lists = int(_LISTS * np.sqrt(len(vectors)))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(SEARCH_DIMENSION), SEARCH_DIMENSION, n_lists)
    index.cp.niter, index.cp.seed, index.cp.min_points_per_centroid = _ROUNDS, _SEED, 1
    rng = np.random.default_rng(_SEED)
    n_points = min(len(vectors), _POINTS_A_LIST * n_lists)
    index.train(vectors[rng.choice(len(vectors), n_points, replace=False)])
    index.add(vectors)
    return index


def _compare_all(vectors: Vectors, queries: Vectors, width: int) -> NDArray[np.int64]:
    import faiss  # noqa: PLC0415 - as above

    _, places = faiss.knn(queries, vectors, width)
    return np.asarray(places, np.int64)
